package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A stock Debian guest with two virtio SCSI host adapters that map the same vDisk: its dm-multipath
 * goes over when the link of one is lost, and whoever writes notices nothing.
 */
class VhbaPairIT {
    private static final String MAP =
            "/dev/disk/by-id/dm-uuid-mpath-$(multipathd show paths format '%d %w' | awk '$1 == \"sda\" { print $2 }')";

    private static final String MEMORY = "512M";
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final String CONFIGURATION =
            "defaults {\\n find_multipaths no\\n polling_interval 1\\n no_path_retry queue\\n}\\n";

    @Test
    @Timeout(600)
    void aLoadGoesOnWhileTheLinkOfEachWayIsLostInTurn() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "vhba-pair");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(links(bed, "up", "up"));
            try (var guest = Guest.debian(bed, "db1", options(bed))) {
                guest.start();
                guest.output("printf '" + CONFIGURATION + "' >/etc/multipath.conf");
                guest.output("multipathd reconfigure");
                failedPathsAre(guest, 0);
                begin(guest);
                daemon.apply(links(bed, "down", "up"));
                failedPathsAre(guest, 1);
                goesOn(guest);
                daemon.apply(links(bed, "up", "up"));
                failedPathsAre(guest, 0);
                daemon.apply(links(bed, "up", "down"));
                failedPathsAre(guest, 1);
                goesOn(guest);
                daemon.apply(links(bed, "up", "up"));
                failedPathsAre(guest, 0);
                end(guest);
            }
        }
    }

    private static void begin(Guest guest) {
        // The paths are there before udev has made the name of what is made of them.
        await(guest, "test -b " + MAP);
        guest.output("mke2fs -q -F -t ext4 " + MAP + " && mount " + MAP + " /mnt");
        guest.output(
                "(until test -e /tmp/stop; do if dd if=/dev/urandom of=/mnt/data bs=1M count=4"
                        + " conv=fsync; then echo pass; else echo failed; fi; done >/tmp/load.log"
                        + " 2>/dev/null; touch /tmp/stopped) &");
        goesOn(guest);
    }

    /** The load has written something since this was asked. */
    private static void goesOn(Guest guest) {
        String passes = "$(grep -c pass /tmp/load.log)";
        String begin = guest.output("touch /tmp/load.log; echo " + passes);
        await(guest, "[ %s -ge $((%s + 2)) ]".formatted(passes, begin));
    }

    private static void end(Guest guest) {
        guest.output("touch /tmp/stop");
        await(guest, "test -e /tmp/stopped");
        assertThat(guest.output("grep -c failed /tmp/load.log; true")).isEqualTo("0");
        guest.output("umount /mnt");
        assertThat(guest.output("dmesg | grep -cE 'EXT4-fs error|Buffer I/O error'; true"))
                .isEqualTo("0");
        assertThat(guest.output("dmesg")).contains("hostbyte=DID_TRANSPORT_DISRUPTED");
    }

    /** Waits until two paths are there and so many of them have failed, as dm-multipath says. */
    private static void failedPathsAre(Guest guest, int failed) {
        String states = "multipathd show paths format '%t' | grep -c ";
        await(guest, "[ $(%sfailed) = %d ]".formatted(states, failed));
        await(guest, "[ $(%sactive) = %d ]".formatted(states, 2 - failed));
    }

    private static void await(Guest guest, String condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (guest.run(condition, PATIENCE).status() != 0) {
            if (System.nanoTime() > deadline) {
                throw new ScenarioException(
                        "never: "
                                + condition
                                + "\n"
                                + guest.run("multipath -ll; dmesg | tail -n 30", PATIENCE)
                                        .output());
            }
            Processes.pause(200);
        }
    }

    private static List<String> options(Bed bed) {
        var words = new ArrayList<String>();
        words.addAll(List.of("-m", MEMORY));
        words.addAll(
                List.of("-object", "memory-backend-memfd,id=memory,size=" + MEMORY + ",share=on"));
        words.addAll(List.of("-machine", "memory-backend=memory"));
        for (String way : List.of("way-a", "way-b")) {
            Path socket = bed.run().resolve("runtime").resolve("vhba." + way + ".sock");
            words.addAll(List.of("-chardev", "socket,id=" + way + ",path=" + socket));
            words.addAll(List.of("-device", "vhost-user-scsi-pci,num_queues=1,chardev=" + way));
        }
        return List.copyOf(words);
    }

    private static Path links(Bed bed, String first, String second) throws IOException {
        Path pool = Files.createDirectories(bed.run().resolve("pool"));
        return Files.writeString(
                bed.run().resolve("vhba-pair.yaml"),
                Files.readString(Path.of("src/test/resources/vhba-pair.yaml"))
                        .replace("POOL", pool.toString())
                        .replace("LINK_A", first)
                        .replace("LINK_B", second));
    }
}
