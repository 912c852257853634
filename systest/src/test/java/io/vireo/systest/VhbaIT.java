package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A stock guest with a virtio SCSI host adapter: it finds its disk by what the command set says of
 * it, has a file system on it, sees LUNs come, grow and go, and lives through the loss of its link.
 */
class VhbaIT {
    private static final String MEMORY = "512M";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Test
    @Timeout(300)
    void aGuestUsesLunsThatComeGrowAndGo() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "vhba");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(resources(bed, 1, "- {lun: 0, vdisk: one}"));
            try (var guest = new Guest(bed, "db1", options(bed))) {
                guest.start();
                for (String module : List.of("virtio_scsi", "sd_mod")) {
                    guest.output(
                            "while read -r m; do insmod $m; done </modules/" + module + ".order");
                }
                await(guest, "test -b /dev/sda");
                recognizes(guest);
                usesAFileSystem(guest);
                daemon.apply(
                        resources(
                                bed,
                                1,
                                "- {lun: 0, vdisk: one}\n    - {lun: 7, vdisk: two, readOnly: true}"));
                await(guest, "test -b /dev/sdb");
                assertThat(guest.output("cat /sys/block/sdb/ro")).isEqualTo("1");
                assertThat(guest.output("ls -d /sys/block/sdb/device/scsi_device/*"))
                        .endsWith(":7");
                daemon.apply(resources(bed, 2, "- {lun: 0, vdisk: one}"));
                await(guest, "! test -e /sys/block/sdb");
                await(guest, "test $(cat /sys/block/sda/size) = " + (2 << 21));
                usesAFileSystem(guest);
                assertThat(guest.output("dmesg | grep -ci 'sda.*error'; true")).isEqualTo("0");
                waitsForItsLink(bed, daemon, guest);
                losesItsLink(bed, daemon, guest);
            }
        }
    }

    @Test
    @Timeout(300)
    void aDiskOfTheHostIsALunAsItIs() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "vhba-image");
        Path file = bed.run().resolve("old.raw");
        byte[] before = new byte[64 << 20];
        new Random(1).nextBytes(before);
        Files.write(file, before);
        Path told = bed.run().resolve("loop");
        Processes.run("sh", "-c", "losetup --find --show " + file + " >" + told);
        String disk = Files.readString(told).strip();
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            String text = Files.readString(Path.of("src/test/resources/vhba-image.yaml"));
            Path resources = bed.run().resolve("image.yaml");
            Files.writeString(resources, text.replace("DISK", disk));
            daemon.apply(resources);
            try (var guest = new Guest(bed, "db1", options(bed))) {
                guest.start();
                for (String module : List.of("virtio_scsi", "sd_mod")) {
                    guest.output(
                            "while read -r m; do insmod $m; done </modules/" + module + ".order");
                }
                await(guest, "test -b /dev/sda");
                assertThat(guest.output("sha256sum </dev/sda")).startsWith(sha256(before));
                guest.output("dd if=/dev/sda of=/dev/sda bs=1M count=1 seek=40 conv=fsync");
                guest.output("dd if=/dev/zero of=/dev/sda bs=1M count=1 seek=50 conv=fsync");
            }
        } finally {
            Processes.run("losetup", "--detach", disk);
        }
        System.arraycopy(before, 0, before, 40 << 20, 1 << 20);
        Arrays.fill(before, 50 << 20, 51 << 20, (byte) 0);
        assertThat(sha256(Files.readAllBytes(file))).isEqualTo(sha256(before));
    }

    private static String sha256(byte[] data) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Path link(Bed bed, String state, int timeout) throws IOException {
        String settings = "\n  adminState: %s\n  linkDownTimeout: %d".formatted(state, timeout);
        return resources(bed, 2, "- {lun: 0, vdisk: one}" + settings);
    }

    private static String read(int megabyte) {
        return "echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/sda of=/dev/null bs=1M count=1 skip="
                + megabyte;
    }

    private static void waitsForItsLink(Bed bed, Daemon daemon, Guest guest) throws IOException {
        daemon.apply(link(bed, "down", 600));
        guest.output("((" + read(1) + "; echo $? >/tmp/waited) >/dev/null 2>&1 </dev/null &)");
        await(guest, "test $(awk '{ print $9 }' /sys/block/sda/stat) -gt 0");
        guest.output("test ! -e /tmp/waited");
        daemon.apply(link(bed, "up", 600));
        await(guest, "test -e /tmp/waited");
        assertThat(guest.output("cat /tmp/waited")).isEqualTo("0");
    }

    private static void losesItsLink(Bed bed, Daemon daemon, Guest guest) throws IOException {
        daemon.apply(link(bed, "down", 1));
        assertThat(guest.run(read(2), PATIENCE).status()).isNotZero();
        // What paths are given up for: a medium that is damaged would not be.
        assertThat(guest.output("dmesg")).contains("hostbyte=DID_TRANSPORT_DISRUPTED");
        daemon.apply(link(bed, "up", 1));
        guest.output(read(2));
        assertThat(guest.output("cat /sys/block/sda/device/state")).isEqualTo("running");
    }

    private static void recognizes(Guest guest) {
        String device = "/sys/block/sda/device/";
        assertThat(guest.output("cat " + device + "vendor").strip()).isEqualTo("VIREO");
        assertThat(guest.output("cat " + device + "model").strip()).isEqualTo("VDISK");
        assertThat(guest.output("cat " + device + "wwid")).startsWith("t10.VIREO");
        assertThat(guest.output("cat " + device + "vpd_pg80 | tail -c 16")).startsWith("3");
        assertThat(guest.output("cat /sys/block/sda/size")).isEqualTo(Integer.toString(1 << 21));
        assertThat(guest.output("cat /sys/block/sda/queue/minimum_io_size")).isEqualTo("4096");
        // By the disk that this host has.
        assertThat(guest.output("cat /sys/block/sda/queue/physical_block_size"))
                .isIn("512", "4096");
        assertThat(guest.output("cat /sys/block/sda/queue/write_cache")).isEqualTo("write back");
        assertThat(guest.output("cat /sys/block/sda/queue/max_hw_sectors_kb")).isNotEqualTo("0");
        assertThat(Long.parseLong(guest.output("cat /sys/block/sda/queue/discard_max_bytes")))
                .isPositive();
        assertThat(guest.output("cat /sys/block/sda/device/scsi_disk/*/provisioning_mode"))
                .isIn("unmap", "writesame_16");
    }

    private static void usesAFileSystem(Guest guest) {
        guest.output("/usr/sbin/mke2fs -q -t ext4 -F /dev/sda && mount -t ext4 /dev/sda /mnt");
        guest.output("dd if=/dev/urandom of=/tmp/data bs=1M count=32 2>/dev/null");
        guest.output("for i in 1 2 3; do cp /tmp/data /mnt/$i; done; sync");
        guest.output("umount /mnt && mount -t ext4 /dev/sda /mnt");
        guest.output("for i in 1 2 3; do cmp /tmp/data /mnt/$i || exit 1; done");
        guest.output(
                "rm /mnt/1; fstrim /mnt; umount /mnt; /usr/sbin/e2fsck -f -n /dev/sda >/dev/null 2>&1");
    }

    private static void await(Guest guest, String condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (guest.run(condition, PATIENCE).status() != 0) {
            if (System.nanoTime() > deadline) {
                throw new ScenarioException(
                        "never: " + condition + "\n" + guest.output("dmesg | tail -n 30"));
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
        Path socket = bed.run().resolve("runtime").resolve("vhba.db1.sock");
        words.addAll(List.of("-chardev", "socket,id=hba,path=" + socket));
        words.addAll(List.of("-device", "vhost-user-scsi-pci,chardev=hba,num_queues=1,vectors=0"));
        return List.copyOf(words);
    }

    private static Path resources(Bed bed, int gibibytes, String luns) throws IOException {
        String text = Files.readString(Path.of("src/test/resources/vhba.yaml"));
        Path pool = Files.createDirectories(bed.run().resolve("pool"));
        Path file = bed.run().resolve("vhba.yaml");
        Files.writeString(
                file,
                text.replace("POOL", pool.toString())
                        .replace("SIZE", gibibytes + "Gi")
                        .replace("LUNS", luns));
        return file;
    }
}
