package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The daemon is killed, or stopped, under a front end of the host whose requests are verified, and
 * each time some of them were in flight: they end when the next daemon is there, and nothing that
 * was written is lost.
 */
@Tag("endurance")
class HostFrontEndIT {
    private static final int CRASHES = 10;
    private static final int MOST_CRASHES = 40;
    private static final int STOPS = 2;
    private static final int BLOCKS = 1024;

    @Test
    @Timeout(400)
    void itGoesOnThroughCrashes() throws Exception {
        Bed bed = Bed.prepare(Path.of(".."), "frontend");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(resources(bed));
            Path socket = bed.run().resolve("runtime/web1/disk0.sock");
            try (var frontEnd = new HostFrontEnd(socket, BLOCKS)) {
                frontEnd.goesOn();
                assertThat(crashes(daemon, frontEnd)).isEqualTo(CRASHES);
                frontEnd.finish();
                assertThat(frontEnd.done()).isGreaterThan(BLOCKS);
            }
        }
    }

    /** Each time it ends with status 0, and leaves no socket and nothing of SQLite behind. */
    @Test
    @Timeout(400)
    void itGoesOnThroughStops() throws Exception {
        Bed bed = Bed.prepare(Path.of(".."), "frontend-stops");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(resources(bed));
            Path socket = bed.run().resolve("runtime/web1/disk0.sock");
            try (var frontEnd = new HostFrontEnd(socket, BLOCKS)) {
                for (int stop = 0; stop < STOPS; stop++) {
                    frontEnd.goesOn();
                    assertThat(socket).exists();
                    daemon.stop();
                    assertThat(files(bed))
                            .noneMatch(name -> name.endsWith(".sock"))
                            .noneMatch(name -> name.contains("sqlitejdbc"));
                    daemon.start();
                }
                frontEnd.goesOn();
                frontEnd.finish();
                assertThat(frontEnd.done()).isGreaterThan(BLOCKS);
            }
        }
    }

    private static List<String> files(Bed bed) throws IOException {
        try (Stream<Path> all = Files.walk(bed.run())) {
            return all.map(file -> file.getFileName().toString()).toList();
        }
    }

    /** Kills it until requests were in flight so often; returns how often they were. */
    private static int crashes(Daemon daemon, HostFrontEnd frontEnd) {
        int caught = 0;
        for (int crash = 0; crash < MOST_CRASHES && caught < CRASHES; crash++) {
            daemon.crash();
            frontEnd.goesOn();
            if (daemon.recoveredRequests().orElse(0) > 0) {
                caught++;
            }
        }
        return caught;
    }

    private static Path resources(Bed bed) throws IOException {
        String text = Files.readString(Path.of("src/test/resources/frontend.yaml"));
        Path pool = bed.run().resolve("pool");
        return Files.writeString(
                bed.run().resolve("frontend.yaml"), text.replace("POOL", pool.toString()));
    }
}
