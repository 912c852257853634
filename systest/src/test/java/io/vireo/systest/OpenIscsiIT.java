package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The initiator of a stock Debian guest (open-iscsi, the kernel's iscsi_tcp) finds the target, logs
 * in by mutual CHAP, and keeps its file system through the end of the daemon and of its session.
 */
class OpenIscsiIT {
    private static final String TARGET = "iqn.2026-11.io.vireo:db1";
    private static final int CRASHES = 2;

    /** The host's loopback, as QEMU's user network shows it to the guest. */
    private static final String HOST = "10.0.2.2";

    private static final String HOST_6 = "fec0::2";

    @Test
    @Timeout(400)
    void aGuestKeepsItsFileSystemWhenTheDaemonIsKilled() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "openiscsi");
        secret(bed, "guest", "secret-of-guests");
        secret(bed, "db1", "secret-of-the-target");
        try (var reserved = LoopbackPort.ipv4();
                var daemon = new Daemon(bed)) {
            int port = reserved.number();
            daemon.start();
            daemon.apply(resources(bed, port));
            try (var guest = new Guest(bed, "iscsi", options())) {
                guest.start();
                prepare(guest);
                String portal = HOST + ":" + port;
                assertThat(guest.output("iscsiadm -m discovery -t sendtargets -p " + portal))
                        .contains(TARGET);
                logIn(guest, portal);
                makeFileSystem(guest);
                for (int crash = 0; crash < CRASHES; crash++) {
                    daemon.crash();
                    goesOn(guest);
                }
                logsOutAndComesBack(daemon, guest);
                verify(guest);
                guest.output("iscsiadm -m node -T " + TARGET + " -p " + portal + " --logout");
                assertThat(guest.output("ls /sys/block")).doesNotContain("sda");
            }
        }
    }

    @Test
    @Timeout(400)
    void aGuestIsSentToAPortalOfIpv6() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "openiscsi-moved");
        try (var reserved = LoopbackPort.ipv4();
                var reserved6 = LoopbackPort.ipv6();
                var daemon = new Daemon(bed)) {
            int port = reserved.number();
            int port6 = reserved6.number();
            daemon.start();
            Path file = bed.run().resolve("moved.yaml");
            Files.writeString(
                    file,
                    Files.readString(Path.of("src/test/resources/openiscsi-moved.yaml"))
                            .replace("POOL", bed.run().resolve("pool").toString())
                            .replace("PORT_6", Integer.toString(port6))
                            .replace("PORT_4", Integer.toString(port))
                            .replace("ELSEWHERE", "[" + HOST_6 + "]:" + port6));
            daemon.apply(file);
            try (var guest = new Guest(bed, "iscsi", options())) {
                guest.start();
                prepare(guest);
                guest.output("echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad");
                guest.output("ip -6 address add fec0::15/64 dev eth0");
                // Several targets, of which it sees those that it may log in to.
                String portal = HOST + ":" + port;
                String portal6 = "[" + HOST_6 + "]:" + port6;
                assertThat(guest.output("iscsiadm -m discovery -t sendtargets -p " + portal))
                        .contains("127.0.0.1:" + port + ",1 " + TARGET)
                        .contains("127.0.0.1:" + port + ",1 iqn.2026-11.io.vireo:plain")
                        .doesNotContain("iqn.2026-11.io.vireo:foreign");
                assertThat(guest.output("iscsiadm -m discovery -t sendtargets -p " + portal6))
                        .contains("[::1]:" + port6 + ",9 " + TARGET)
                        .doesNotContain("iqn.2026-11.io.vireo:plain");
                String node = "iscsiadm -m node -T " + TARGET + " -p " + portal;
                guest.output(node + ",1 -o new && " + node + " --login");
                awaitDisk(guest);
                // It is at the other portal, and of that one's group; so says its port, too.
                assertThat(guest.output("iscsiadm -m session -P 1"))
                        .contains(
                                "Current Portal: [fec0:0000:0000:0000:0000:0000:0000:0002]:"
                                        + port6
                                        + ",9")
                        .contains("Persistent Portal: " + portal);
                assertThat(guest.output("tr -cd 'a-z0-9.,:-' </sys/block/sda/device/vpd_pg83"))
                        .contains(TARGET + ",t,0x0009");
                assertThat(daemon.vireo("get", "iscsitarget", "db1-here", "-o", "yaml"))
                        .contains("sessions: \"1\"");
                assertThat(daemon.vireo("get", "iscsitarget", "db1", "-o", "yaml"))
                        .contains("sessions: \"0\"");
                guest.output("dd if=/dev/urandom of=/tmp/data bs=1M count=8 2>/dev/null");
                guest.output("dd if=/tmp/data of=/dev/sda bs=1M conv=fsync 2>/dev/null");
                guest.output("echo 3 >/proc/sys/vm/drop_caches; cmp -n 8388608 /tmp/data /dev/sda");
                guest.output(node + " --logout");
            }
        }
    }

    private static void secret(Bed bed, String name, String secret) throws IOException {
        Path folder = Files.createDirectories(bed.run().resolve("state/secrets"));
        Path file = Files.writeString(folder.resolve(name), secret);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    private static Path resources(Bed bed, int port) throws IOException {
        String text = Files.readString(Path.of("src/test/resources/openiscsi.yaml"));
        Path file = bed.run().resolve("openiscsi.yaml");
        Files.writeString(
                file,
                text.replace("POOL", bed.run().resolve("pool").toString())
                        .replace("PORT", Integer.toString(port)));
        return file;
    }

    private static List<String> options() {
        return List.of(
                "-m", "512M", "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net");
    }

    private static void prepare(Guest guest) {
        guest.output("ip address add 10.0.2.15/24 dev eth0 && ip link set eth0 up");
        guest.output(
                "for m in $(cat /modules/sd_mod.order /modules/iscsi_tcp.order); do insmod $m; done;"
                        + " ls /sys/class/iscsi_transport");
        guest.output("mkdir -p /etc/iscsi /run/lock/iscsi /var/lib/iscsi");
        // iscsid serves root, whom it looks up by name.
        guest.output("echo root:x:0:0:root:/:/bin/sh >/etc/passwd");
        guest.output(
                "echo InitiatorName=iqn.2026-11.io.vireo:guest >/etc/iscsi/initiatorname.iscsi");
        guest.output("echo 'node.startup = manual' >/etc/iscsi/iscsid.conf");
        guest.output("iscsid </dev/null >/tmp/iscsid.log 2>&1; sleep 1; pidof iscsid");
    }

    private static void logIn(Guest guest, String portal) {
        String node = "iscsiadm -m node -T " + TARGET + " -p " + portal;
        guest.output(node + ",1 -o new");
        set(guest, node, "node.session.auth.authmethod", "CHAP");
        set(guest, node, "node.session.auth.username", "guest");
        set(guest, node, "node.session.auth.password", "secret-of-guests");
        set(guest, node, "node.session.auth.username_in", "db1");
        set(guest, node, "node.session.auth.password_in", "a-wrong-secret-here");
        assertThat(guest.run(node + " --login", Duration.ofSeconds(60)).status()).isNotZero();
        set(guest, node, "node.session.auth.password_in", "secret-of-the-target");
        set(guest, node, "node.conn[0].iscsi.HeaderDigest", "CRC32C");
        guest.output(node + " --login");
        awaitDisk(guest);
    }

    private static void awaitDisk(Guest guest) {
        guest.output(
                "for i in $(seq 250); do [ -b /dev/sda ] && break; sleep 0.2; done; [ -b /dev/sda ]");
    }

    private static void set(Guest guest, String node, String name, String value) {
        guest.output(node + " -o update -n '" + name + "' -v '" + value + "'");
    }

    private static void makeFileSystem(Guest guest) {
        guest.output("/usr/sbin/mke2fs -q -F -t ext4 /dev/sda && mount -t ext4 /dev/sda /mnt");
        guest.output(
                "mkdir /tmp/patterns && for p in 0 1 2 3; do"
                        + " dd if=/dev/urandom of=/tmp/patterns/$p bs=1M count=4 2>/dev/null;"
                        + " sha256sum </tmp/patterns/$p | cut -d ' ' -f 1 >/tmp/patterns/$p.sum; done");
        guest.output(
                "(write-load /mnt writer /tmp/patterns /tmp/writer.log </dev/null >/dev/null 2>&1 &)");
        goesOn(guest);
    }

    /** The load has written something since this was asked. */
    private static void goesOn(Guest guest) {
        String lines = "$(wc -l </tmp/writer.log)";
        guest.output(
                "for i in $(seq 100); do [ -s /tmp/writer.log ] && break; sleep 0.2; done;"
                        + " begin="
                        + lines
                        + "; for i in $(seq 300); do"
                        + " [ "
                        + lines
                        + " -gt $((begin + 3)) ] && break; sleep 0.2; done;"
                        + " [ "
                        + lines
                        + " -gt $((begin + 3)) ]");
        assertThat(guest.output("grep -c failed /tmp/writer.log; true")).isEqualTo("0");
    }

    /** Asked to log out, the guest does so, and since it may log in again it comes back. */
    private static void logsOutAndComesBack(Daemon daemon, Guest guest) {
        assertThat(daemon.vireo("logout", "db1", "--all", "--timeout", "60"))
                .contains("of IscsiTarget/db1: is over");
        Eventually.slowly("the log says so", () -> logged(daemon, "the initiator logged out"));
        goesOn(guest);
    }

    private static boolean logged(Daemon daemon, String end) {
        try {
            return Files.readString(daemon.log()).contains("is over: " + end);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void verify(Guest guest) {
        guest.output(
                "touch /tmp/stop; for i in $(seq 300); do"
                        + " [ \"$(tail -n 1 /tmp/writer.log)\" = done ] && break; sleep 0.2; done;"
                        + " [ \"$(tail -n 1 /tmp/writer.log)\" = done ]");
        guest.output("umount /mnt && mount -t ext4 /dev/sda /mnt");
        assertThat(guest.output("verify-load /tmp/writer.log")).isEqualTo("4");
        guest.output("umount /mnt");
        assertThat(guest.output("dmesg | grep -c 'EXT4-fs error\\|I/O error'; true"))
                .isEqualTo("0");
    }
}
