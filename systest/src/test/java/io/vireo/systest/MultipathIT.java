package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A stock Debian guest with two paths to its units: open-iscsi, dm-multipath, sg3_utils and fio as
 * Debian has them.
 */
@Timeout(1200)
class MultipathIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String KEY = "0x5649524556";
    private static final String CONFIGURATION =
            """
            defaults {
                find_multipaths no
                user_friendly_names yes
                polling_interval 1
                no_path_retry queue
                reservation_key %s
            }
            """
                    .formatted(KEY);

    private static final String BOTH = "san-a, san-b";

    private static San san;
    private static SanInitiator initiator;
    private static Guest guest;

    /** The two paths to each unit, as the kernel named them. */
    private static List<String> data;

    private static List<String> scratch;

    /** Of the unit with data, which only grows. */
    private static int mebibytes = 256;

    @BeforeAll
    @Timeout(1200)
    static void start() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "multipath");
        san = new San(bed);
        san.start();
        apply(mebibytes, BOTH);
        initiator = new SanInitiator(bed, "guest", List.of());
        guest = initiator.guest();
        initiator.start("iqn.2026-11.io.vireo:guest");
        initiator.givePathsUpEarly();
        initiator.write(Path.of("/etc/multipath.conf"), CONFIGURATION);
        guest.output("multipathd reconfigure");
        for (int path = 0; path < 2; path++) {
            initiator.logIn(San.TARGET, portal(path), path + 1);
        }
        data = List.of(initiator.disk(portal(0), 0), initiator.disk(portal(1), 0));
        scratch = List.of(initiator.disk(portal(0), 1), initiator.disk(portal(1), 1));
        pathsAre("active", "active");
        // What maps are called follows from the order in which the units came.
        guest.output(
                "ln -s $(readlink -f /dev/disk/by-id/dm-uuid-mpath-$(multipathd show paths format '%d %w'"
                        + " | awk '$1 == \""
                        + data.getFirst()
                        + "\" { print $2 }')) /dev/data");
    }

    @AfterAll
    static void stop() {
        initiator.close();
        san.close();
    }

    private static void apply(int size, String portals) throws IOException {
        mebibytes = size;
        san.daemon()
                .apply(san.resources("multipath.yaml", "SIZE", size + "Mi", "PORTALS", portals));
    }

    private static String portal(int path) {
        return SanInitiator.portal(path, san.port(path));
    }

    /** Waits until the paths of the unit with data are so, in the eyes of dm-multipath. */
    private static void pathsAre(String first, String second) {
        for (int path = 0; path < 2; path++) {
            initiator.await(
                    "multipathd show paths format '%%d %%t' | grep -q '^%s *%s'"
                            .formatted(data.get(path), path == 0 ? first : second));
        }
    }

    @AfterEach
    void unmount() {
        guest.output("! mountpoint -q /mnt || umount /mnt");
    }

    @Test
    void aVerifiedLoadGoesOnWhilePathsFail() throws IOException {
        guest.output("mke2fs -q -F -t ext4 /dev/data && mount /dev/data /mnt");
        guest.output(
                "rm -f /tmp/stop /tmp/load.log; (fio-load /mnt/load /tmp/load.log &) >/dev/null 2>&1");
        goesOn();
        initiator.cable(1, false);
        pathsAre("active", "failed");
        goesOn();
        initiator.cable(1, true);
        pathsAre("active", "active");
        apply(mebibytes, "san-b");
        pathsAre("failed", "active");
        goesOn();
        apply(mebibytes, BOTH);
        pathsAre("active", "active");
        san.daemon().crash();
        goesOn();
        pathsAre("active", "active");
        guest.output("touch /tmp/stop");
        initiator.await("grep -qE 'done|failed' /tmp/load.log");
        assertThat(guest.output("tail -n 20 /tmp/load.log")).endsWith("done");
        guest.output("umount /mnt && e2fsck -f -n /dev/data");
        assertThat(guest.output("dmesg | grep -cE 'EXT4-fs error|Buffer I/O error'; true"))
                .isEqualTo("0");
    }

    /** The load has been verified twice since this was asked: once at least it began after it. */
    private static void goesOn() {
        String passes = "$(grep -c pass /tmp/load.log)";
        String begin = guest.output("touch /tmp/load.log; echo " + passes);
        initiator.await(
                "grep -q failed /tmp/load.log || [ %s -ge $((%s + 2)) ]".formatted(passes, begin));
        assertThat(guest.output("tail -n 20 /tmp/load.log")).doesNotContain("failed");
    }

    @Test
    void reservationsHoldForBothPathsTogether() {
        guest.output("mpathpersist --out --register --param-sark=" + KEY + " /dev/data");
        guest.output(
                "mpathpersist --out --reserve --param-rk=" + KEY + " --prout-type=5 /dev/data");
        assertThat(guest.output("mpathpersist --in --read-keys /dev/data"))
                .contains("2 registered reservation key")
                .contains(KEY);
        for (String path : data) {
            assertThat(guest.output("sg_persist --in --read-reservation /dev/" + path))
                    .containsIgnoringCase("Write Exclusive, registrants only");
            guest.output("dd if=/dev/zero of=/dev/" + path + " bs=4k count=1 oflag=direct");
        }
        assertThat(host("qemu-io", "-f", "raw", "-c", "read 0 4k", url(0)))
                .contains("read 4096/4096");
        assertThat(host("qemu-io", "-f", "raw", "-c", "write 0 4k", url(0)))
                .contains("write failed");
        guest.output(
                "mpathpersist --out --release --param-rk=" + KEY + " --prout-type=5 /dev/data");
        assertThat(host("qemu-io", "-f", "raw", "-c", "write 0 4k", url(0)))
                .contains("wrote 4096/4096");
        // Register and reserve by one path; another initiator port is kept out of a type for one.
        String first = "/dev/" + data.get(0);
        String second = "/dev/" + data.get(1);
        // That the reservation was released is told to the path that did not release it, once.
        guest.run("sg_turs " + first, PATIENCE);
        guest.run("sg_turs " + second, PATIENCE);
        guest.output("sg_persist --out --reserve --param-rk=" + KEY + " --prout-type=3 " + first);
        assertThat(
                        guest.run("sg_raw -r 512 " + second + " 28 0 0 0 0 0 0 0 1 0", PATIENCE)
                                .output())
                .contains("Reservation Conflict");
        guest.output(
                "sg_persist --out --preempt --param-rk="
                        + KEY
                        + " --param-sark="
                        + KEY
                        + " --prout-type=3 "
                        + second);
        guest.output("sg_persist --out --clear --param-rk=" + KEY + " " + second);
        // The first command is told that its registration is gone.
        guest.run("sg_turs " + first, PATIENCE);
        assertThat(guest.output("sg_persist --in --read-keys " + first))
                .contains("there are NO registered");
    }

    @Test
    void roomComesBackAndGrowthIsSeen() throws IOException {
        guest.output("mke2fs -q -F -t ext4 /dev/data && mount /dev/data /mnt");
        guest.output("dd if=/dev/urandom of=/mnt/large bs=1M count=100 conv=fsync 2>&1");
        awaitAllocated(bytes -> bytes > 100 << 20);
        guest.output("rm /mnt/large && sync && fstrim -v /mnt");
        awaitAllocated(bytes -> bytes < 50 << 20);
        apply(mebibytes + 128, BOTH);
        // A session that is not logged in just then rescans nothing.
        for (String path : data) {
            initiator.await(
                    "iscsiadm -m session --rescan >/dev/null; [ $(cat /sys/block/%s/size) = %d ]"
                            .formatted(path, (long) mebibytes << 11));
        }
        guest.output("multipathd resize map $(basename $(readlink -f /dev/data))");
        initiator.await("[ $(blockdev --getsize64 /dev/data) = " + ((long) mebibytes << 20) + " ]");
        guest.output("resize2fs /dev/data && umount /mnt && e2fsck -f -n /dev/data");
    }

    private static void awaitAllocated(LongPredicate condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        long bytes = Long.parseLong(san.attribute("vdisk", "data", "allocatedBytes"));
        while (!condition.test(bytes)) {
            assertThat(System.nanoTime()).as("still %d bytes", bytes).isLessThan(deadline);
            Processes.pause(200);
            bytes = Long.parseLong(san.attribute("vdisk", "data", "allocatedBytes"));
        }
    }

    @Test
    void sg3UtilsUnderstandTheUnit() {
        String first = "/dev/" + scratch.get(0);
        String second = "/dev/" + scratch.get(1);
        assertThat(guest.output("sg_inq " + first))
                .contains("Vendor identification: VIREO")
                .contains("Protect=0")
                .contains("TPGS=3");
        List<String> pages =
                guest.output(
                                "sg_vpd --page=sv --raw "
                                        + first
                                        + " | od -An -v -t x1 -j 4 | xargs -n 1")
                        .lines()
                        .toList();
        assertThat(pages).contains("00", "80", "83", "86", "b0", "b1", "b2");
        for (String page : pages) {
            guest.output("sg_vpd --page=0x" + page + " " + first);
        }
        assertThat(guest.output("sg_vpd --page=di " + first))
                .contains("T10 vendor identification")
                .contains("Target port group: 0x")
                .contains("Relative target port: 0x")
                .contains(San.TARGET + ",t,0x");
        assertThat(guest.output("sg_luns " + first)).contains("Lun list length = 16");
        assertThat(guest.output("sg_readcap --long " + first))
                .contains("Logical block provisioning: lbpme=1, lbprz=1")
                .contains("Device size: 67108864 bytes")
                .contains("Logical blocks per physical block exponent=3");
        assertThat(guest.output("sg_opcodes " + first))
                .contains("Compare and write")
                .contains("Persistent reserve out, register and move");
        assertThat(guest.output("sg_rtpg --decode " + first + "; sg_rtpg --decode " + second))
                .contains("active/optimized");
        guest.output("sg_logs --all " + first);
        guest.output("sg_modes --all " + first);
        guest.output("sg_requests " + first + " && sg_turs " + first);
        assertThat(guest.output("sg_get_lba_status --lba=0 " + first)).contains("LBA: 0x");
        guest.output("dd if=/dev/urandom of=/tmp/pattern bs=4k count=2 2>&1");
        guest.output("sg_dd blk_sgio=1 if=/tmp/pattern of=" + first + " bs=512 count=16 seek=64");
        guest.output("sg_verify --lba=64 --count=16 --16 " + second);
        guest.output("sg_verify --lba=64 --count=16 --ndo=8192 --in=/tmp/pattern " + second);
        guest.output("head -c 512 /tmp/pattern >/tmp/old; cat /tmp/old /tmp/old >/tmp/pair");
        guest.output("sg_compare_and_write --in=/tmp/pair --lba=64 --num=1 " + second);
        assertThat(
                        guest.run(
                                        "sg_compare_and_write --in=/tmp/pair --lba=65 --num=1 "
                                                + second,
                                        PATIENCE)
                                .status())
                .as("MISCOMPARE")
                .isEqualTo(14);
        guest.output("sg_write_same --16 --unmap --lba=64 --num=8 " + first);
        guest.output("sg_unmap --force --lba=72 --num=8 " + first);
        assertThat(
                        guest.output(
                                "sg_dd blk_sgio=1 if="
                                        + second
                                        + " of=- bs=512 skip=64 count=16 2>/dev/null | tr -d '\\0' | wc -c"))
                .isEqualTo("0");
        guest.output("sg_sync " + first + " && sg_reset --device " + first);
        // Whoever comes first is told of the reset: this, or the checker of paths.
        guest.output("sg_turs " + first + " || sg_turs " + first);
    }

    private static String host(String... words) {
        return Conformance.run(List.of(words), Path.of("/dev/null"), PATIENCE);
    }

    private static String url(int lun) {
        return "iscsi://127.0.0.1:" + san.port(0) + "/" + San.TARGET + "/" + lun;
    }
}
