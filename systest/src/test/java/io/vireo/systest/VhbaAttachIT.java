package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guests that take a host bus adapter by what {@code vireo attach} prints, as it is printed. */
class VhbaAttachIT {
    private static final int MEMORY_MIB = 256;
    private static final int QUEUE_DEPTH = 24;

    private static final String RESOURCES =
            """
            apiVersion: vireo/v1
            kind: Pool
            metadata:
              name: main
            spec:
              path: %1$s
            ---
            apiVersion: vireo/v1
            kind: Vdisk
            metadata:
              name: root
            spec:
              pool: main
              size: 64Mi
            ---
            apiVersion: vireo/v1
            kind: Vdisk
            metadata:
              name: data
            spec:
              pool: main
              size: 96Mi
            ---
            apiVersion: vireo/v1
            kind: Vhba
            metadata:
              name: db1
            spec:
              queues: 2
              queueDepth: %2$d
              luns:
                - lun: 0
                  vdisk: root
                  boot: true
                - lun: 5
                  vdisk: data
            """;

    @Test
    @Timeout(300)
    void qemuTakesTheCommandLine() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "vhba-attach");
        try (var daemon = new Daemon(bed)) {
            start(bed, daemon);
            List<String> words = new ArrayList<>(daemon.attach("vhba/db1", MEMORY_MIB));
            assertThat(words)
                    .filteredOn(word -> word.startsWith("vhost-user-scsi-pci,"))
                    .singleElement()
                    .asString()
                    .contains("num_queues=2,cmd_per_lun=" + QUEUE_DEPTH);
            words.addAll(List.of("-smp", "2"));
            try (var guest = new Guest(bed, "db1", words)) {
                seesItsUnits(guest);
                // One queue of the block layer for each of the adapter, where there are processors.
                assertThat(guest.output("ls /sys/block/sda/mq | wc -l")).isEqualTo("2");
            }
        }
    }

    @Test
    @Timeout(300)
    void libvirtTakesTheElements() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "vhba-libvirt");
        try (var daemon = new Daemon(bed)) {
            start(bed, daemon);
            String elements = daemon.attachLibvirt("vhba/db1", MEMORY_MIB);
            assertThat(elements).contains("<qemu:commandline>");
            try (var guest = LibvirtIT.guest(bed, elements)) {
                seesItsUnits(guest);
            }
        }
    }

    private static void start(Bed bed, Daemon daemon) throws IOException {
        daemon.start();
        Path pool = Files.createDirectories(bed.run().resolve("pool"));
        Path file = bed.run().resolve("vhba.yaml");
        Files.writeString(file, RESOURCES.formatted(pool, QUEUE_DEPTH));
        daemon.apply(file);
    }

    private static void seesItsUnits(Guest guest) {
        guest.start();
        for (String module : List.of("virtio_scsi", "sd_mod")) {
            guest.output("while read -r m; do insmod $m; done </modules/" + module + ".order");
        }
        guest.output("for i in $(seq 100); do test -b /dev/sdb && break; sleep 0.2; done");
        assertThat(guest.output("cd /sys/class/scsi_device; ls | sed 's/.*://' | sort | xargs"))
                .isEqualTo("0 5");
        String root = disk(guest, 0);
        String data = disk(guest, 5);
        assertThat(guest.output("cat /sys/block/" + root + "/size"))
                .isEqualTo(Integer.toString(64 << 11));
        assertThat(guest.output("cat /sys/block/" + data + "/size"))
                .isEqualTo(Integer.toString(96 << 11));
        assertThat(guest.output("cat /sys/block/" + root + "/device/queue_depth"))
                .isEqualTo(Integer.toString(QUEUE_DEPTH));
        guest.output("dd if=/dev/urandom of=/tmp/data bs=1M count=8 2>/dev/null");
        guest.output("dd if=/tmp/data of=/dev/" + data + " bs=1M conv=fsync 2>/dev/null");
        guest.output("echo 3 > /proc/sys/vm/drop_caches; cmp -n 8388608 /tmp/data /dev/" + data);
    }

    /**
     * The name of a unit's disk: Linux gives them out in the order in which it is done with each.
     */
    private static String disk(Guest guest, int lun) {
        return guest.output("ls /sys/class/scsi_device/*:" + lun + "/device/block");
    }
}
