package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A pool that moves to a daemon of another host with its disks, by the commands for that. */
class PoolImportIT {
    private static final String RESOURCES =
            """
            apiVersion: vireo/v1
            kind: Pool
            metadata: {name: main}
            spec:
              type: disks
              disks:
                members:
                - {path: POOL/a, size: 256Mi}
                - {path: POOL/b, size: 256Mi}
            ---
            apiVersion: vireo/v1
            kind: Vdisk
            metadata: {name: data}
            spec: {pool: main, size: 64Mi}
            ---
            apiVersion: vireo/v1
            kind: Snapshot
            metadata: {name: monday}
            spec: {vdisk: data}
            ---
            apiVersion: vireo/v1
            kind: SnapshotGroup
            metadata: {name: tuesday}
            spec: {vdisks: [data]}
            """;

    @TempDir Path directory;

    /** A place for a daemon without guests. */
    private Bed bed(String name) throws IOException {
        Path repository = Path.of("..").toAbsolutePath().normalize();
        Path run = Files.createDirectories(directory.resolve(name));
        return new Bed(repository, run, new Bed.Emulator("", false));
    }

    @Test
    @Timeout(120)
    void aPoolMovesToAnotherDaemon() throws IOException {
        Bed here = bed("here");
        Path disks = Files.createDirectories(here.run().resolve("disks"));
        Path file = here.run().resolve("pool.yaml");
        Files.writeString(file, RESOURCES.replace("POOL", disks.toString()));
        try (var daemon = new Daemon(here)) {
            daemon.start();
            daemon.vireo("apply", "-f", file.toString(), "--wait");
        }
        String[] moved =
                Stream.of("b", "a")
                        .map(each -> disks.resolve(each).toString())
                        .toArray(String[]::new);
        Bed there = bed("there");
        try (var daemon = new Daemon(there)) {
            daemon.start();
            assertThat(daemon.vireo("pool", "check", moved[0], moved[1]))
                    .contains("3 vDisks and snapshots")
                    .contains("Nothing is wrong.");
            assertThat(daemon.vireo("pool", "import", "fast", moved[0], moved[1]))
                    .contains("Pool/fast imported")
                    .contains("Vdisk/data imported")
                    .contains("Snapshot/monday imported")
                    .contains("Snapshot/tuesday-data imported");
            daemon.apply(empty(there));
            assertThat(daemon.vireo("get", "snapshots", "-o", "name"))
                    .contains("monday")
                    .contains("tuesday-data");
            assertThat(daemon.vireo("get", "pools")).contains("PHYSICAL").contains("64Mi");
        }
    }

    /** Nothing more is declared, but all that there is has to be ready. */
    private static Path empty(Bed bed) throws IOException {
        return Files.writeString(
                bed.run().resolve("network.yaml"),
                "{apiVersion: vireo/v1, kind: Network, metadata: {name: lan}}");
    }
}
