package io.vireo.systest;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A guest that runs one profile, and what a person would do at its console. */
final class Server implements AutoCloseable {
    private static final int WRITERS = 4;
    private static final int LOADS = WRITERS + 1;
    private static final int DISK_MIB = 32;
    private static final int NET_MIB = 32;
    private static final double CLOCK_TICK = 0.01;
    private static final Duration SHORT = Duration.ofSeconds(20);
    private static final String ERRORS =
            "I/O error|blk_update_request|EXT4-fs (error|warning)|JBD2|NETDEV WATCHDOG|blocked for more"
                    + " than|Remounting|BUG:|Oops";
    // VIRTIO 1.2 section 4.1.2.1: 0x1040 + device type, or the transitional identifiers of old.
    private static final Map<String, String> MODELS =
            Map.of(
                    "0x1af4:0x1000", "Virtio network card",
                    "0x1af4:0x1041", "Virtio network card",
                    "0x1af4:0x1001", "Virtio block device",
                    "0x1af4:0x1042", "Virtio block device");

    private final Guest guest;
    private final String profile;
    private final String address;

    Server(Guest guest, String profile, String address) {
        this.guest = guest;
        this.profile = profile;
        this.address = address;
    }

    String profile() {
        return profile;
    }

    String address() {
        return address;
    }

    void boot() {
        guest.start();
    }

    /**
     * The devices as the guest's drivers found them.
     *
     * @param card model and PCI identifiers of the only card
     * @param mac its address
     * @param disk model and PCI identifiers of the only disk
     * @param serial its serial
     * @param diskMib its capacity
     */
    record Sighting(String card, String mac, String disk, String serial, long diskMib) {}

    Sighting look() {
        only("/sys/class/net", "eth0", "grep -v '^lo$'");
        only("/sys/block", "vda", "cat");
        return new Sighting(
                model("/sys/class/net/eth0/device", "virtio_net"),
                guest.output("cat /sys/class/net/eth0/address"),
                model("/sys/block/vda/device", "virtio_blk"),
                guest.output("cat /sys/block/vda/serial"),
                Long.parseLong(guest.output("cat /sys/block/vda/size")) >> 11);
    }

    private void only(String folder, String expected, String filter) {
        String seen = guest.output("ls " + folder + " | " + filter).replace('\n', ' ');
        if (!seen.equals(expected)) {
            throw new ScenarioException(
                    "%s has in %s: '%s', expected only %s"
                            .formatted(profile, folder, seen, expected));
        }
    }

    private String model(String device, String driver) {
        String[] seen =
                guest.output(
                                "cd %s && echo $(cat ../vendor):$(cat ../device) $(basename $(readlink driver))"
                                        .formatted("$(readlink -f " + device + ")"))
                        .split(" ");
        String model = MODELS.get(seen[0]);
        if (model == null || !seen[1].equals(driver)) {
            throw new ScenarioException(
                    "%s sees PCI device %s with driver %s, expected %s"
                            .formatted(profile, seen[0], seen[1], driver));
        }
        return model + " (PCI " + seen[0].replace("0x", "") + ")";
    }

    /**
     * Makes an ext4, writes a file and finds it whole after a remount; returns MB/s of the write.
     */
    double tryDisk() {
        guest.output("/usr/sbin/mke2fs -q -F -t ext4 /dev/vda && mount -t ext4 /dev/vda /mnt");
        guest.output("dd if=/dev/urandom of=/tmp/data bs=1M count=" + DISK_MIB + " && sync");
        String sum = guest.output("sha256sum </tmp/data");
        long begin = System.nanoTime();
        guest.output("dd if=/tmp/data of=/mnt/data bs=1M oflag=direct conv=fsync");
        double rate = rate(DISK_MIB, System.nanoTime() - begin);
        guest.output("umount /mnt && mount -t ext4 /dev/vda /mnt");
        String read = guest.output("sha256sum </mnt/data");
        if (!read.equals(sum)) {
            throw new ScenarioException(
                    profile + " wrote " + sum + " and read " + read + " after a remount");
        }
        guest.output("rm /tmp/data /mnt/data");
        return rate;
    }

    void configureNetwork() {
        guest.output("ip address add " + address + "/24 dev eth0 && ip link set eth0 up");
    }

    void ping(Server other) {
        await(
                profile + " reaches " + other.profile + " by ping",
                () -> guest.run("ping -c 1 -W 1 " + other.address, SHORT).status() == 0);
        guest.output("ping -q -c 5 -W 2 " + other.address + " | grep -q ' 0% packet loss'");
    }

    /** Sends data whose checksum the other side must find; returns MB/s, by the other's clock. */
    double send(Server other) {
        other.guest.output(
                "rm -f /tmp/in*; nc -l -p 5001 -e receive-load /tmp/in >/dev/null 2>&1 &");
        other.await(
                other.profile + " listens",
                () -> other.guest.run("netstat -ltn | grep -q :5001", SHORT).status() == 0);
        String sum =
                guest.output(
                        "dd if=/dev/urandom of=/tmp/out bs=1M count=%d 2>/dev/null; sha256sum </tmp/out"
                                .formatted(NET_MIB));
        guest.output("nc " + other.address + " 5001 -e cat /tmp/out && rm /tmp/out");
        other.await(
                other.profile + " has received all",
                () -> other.guest.run("test -s /tmp/in.done", SHORT).status() == 0);
        double seconds = Double.parseDouble(other.guest.output("cat /tmp/in.done"));
        String received = other.guest.output("sha256sum </tmp/in && rm /tmp/in*");
        if (!received.equals(sum)) {
            throw new ScenarioException(
                    "%s sent %s, %s received %s".formatted(profile, sum, other.profile, received));
        }
        return rate(NET_MIB, (long) (Math.max(seconds, CLOCK_TICK) * 1e9));
    }

    private static double rate(int mib, long nanos) {
        return mib * 1_048_576.0 / 1e6 / (nanos / 1e9);
    }

    /** Starts verified writers on the disk and a ping to the other, until {@link #endLoad}. */
    void beginLoad(Server other) {
        // Each write then waits for a flush of the host's disk: some request is nearly always in
        // flight.
        guest.output("mount -o remount,sync /mnt");
        guest.output(
                "rm -f /tmp/stop; mkdir -p /tmp/patterns; for i in $(seq %d); do : >/tmp/writer$i.log; done; : >/tmp/ping.log"
                        .formatted(WRITERS));
        guest.output(
                "for i in 0 1 2 3; do dd if=/dev/urandom of=/tmp/patterns/$i bs=1M count=4 2>/dev/null;"
                        + " sum=$(sha256sum </tmp/patterns/$i); echo ${sum%% *} >/tmp/patterns/$i.sum; done");
        guest.output(
                "for i in $(seq %d); do write-load /mnt writer$i /tmp/patterns /tmp/writer$i.log >/dev/null 2>&1 & done"
                        .formatted(WRITERS));
        guest.output("ping-load " + other.address + " /tmp/ping.log >/dev/null 2>&1 &");
    }

    /** Returns once further writes and pings have succeeded after this call. */
    void goesOn() {
        long writes = written();
        long pings = answered();
        await(
                profile + " writes on and pings on",
                () -> written() > writes + WRITERS && answered() > pings + 1);
    }

    private long written() {
        return count(" /mnt/", "/tmp/writer*.log");
    }

    private long answered() {
        return count(" ok$", "/tmp/ping.log");
    }

    private long count(String pattern, String logs) {
        String failures = guest.output("grep -h failed /tmp/*.log; true");
        if (!failures.isEmpty()) {
            throw new ScenarioException(
                    profile + ": " + failures + "\n" + guest.output("dmesg | tail -n 20"));
        }
        return Long.parseLong(guest.output("cat " + logs + " | grep -c '" + pattern + "'; true"));
    }

    /**
     * What the time of load came to.
     *
     * @param files files whose last write was found again after a remount
     * @param ioPause longest time in seconds without a completed write
     * @param pingPause longest time in seconds without an answered ping
     */
    record Endurance(int files, double ioPause, double pingPause) {}

    Endurance endLoad() {
        guest.output("touch /tmp/stop");
        await(
                profile + " finishes its last writes",
                () ->
                        guest.output("cat /tmp/*.log | grep -c -E '^(done|failed)'; true")
                                .equals(Integer.toString(LOADS)));
        guest.output(
                "umount /mnt && /usr/sbin/e2fsck -f -n /dev/vda >/tmp/e2fsck 2>&1 || (cat /tmp/e2fsck; false)");
        guest.output("mount -t ext4 /dev/vda /mnt");
        int files = Integer.parseInt(guest.output("verify-load /tmp/writer*.log"));
        String errors = guest.output("dmesg | grep -E '" + ERRORS + "'; true");
        if (!errors.isEmpty()) {
            throw new ScenarioException(profile + "'s kernel reports errors:\n" + errors);
        }
        return new Endurance(
                files,
                longestGap("awk 'NF == 3 { print $1 }' /tmp/writer*.log"),
                longestGap("awk '$2 == \"ok\" { print $1 }' /tmp/ping.log"));
    }

    private double longestGap(String times) {
        return Double.parseDouble(
                guest.output(
                        times
                                + " | sort -n | awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 } END { print"
                                + " most + 0 }'"));
    }

    private void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new ScenarioException(
                        "waited 90 s in vain: %s; the end of its kernel's log:%n%s"
                                .formatted(what, guest.output("dmesg | tail -n 20")));
            }
            Processes.pause(200);
        }
    }

    @Override
    public void close() {
        guest.close();
    }
}
