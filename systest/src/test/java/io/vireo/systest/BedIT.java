package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The bed itself, with a peer in Vireo's place: boot, disk, network and load. The peer is not
 * restarted, whatever the steps are called: see {@link StorageDaemonHost#restart}.
 */
class BedIT {
    @Test
    @Timeout(600)
    void mainJobRunsWithPeer() {
        Bed bed = Bed.prepare(Path.of(".."), "peer");
        try (var host = new StorageDaemonHost(bed);
                var job = new MainJob(bed, host, List.of("web1", "web2"), System.out::println)) {
            System.out.println("The peer stays up where steps speak of stopping and killing");
            Report report = job.run();

            System.out.println(report.table());
            assertThat(report.servers())
                    .allSatisfy(entry -> assertThat(entry.endurance().files()).isPositive());
        }
    }
}
