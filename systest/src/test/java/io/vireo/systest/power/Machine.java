package io.vireo.systest.power;

import io.vireo.device.virtio.blk.VirtioBlkDevice;
import io.vireo.device.virtio.blk.WritebackRecord;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.systest.Bed;
import io.vireo.systest.Guest;
import io.vireo.testkit.MemoryState;
import io.vireo.testkit.crash.CrashPoint;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import io.vireo.transport.Endpoint;
import io.vireo.transport.EndpointSpec;
import io.vireo.transport.vhostuser.VhostUserTransport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A machine whose power can be cut: a guest in which the daemon runs, whose disks have volatile
 * caches. Two are members of a pool, one has the daemon's state; what they hold when the power is
 * back is drawn from all that they may hold.
 */
final class Machine {
    private static final int MEMORY_MIB = 1024;
    private static final long MIB = 1 << 20;
    private static final int STATE = 2;
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    private static final String BESIDE =
            "LD_LIBRARY_PATH=/opt/lib VIREO_JAVA_HOME=/opt/jdk VIREO_SOCKET=/tmp/run/api.sock"
                    + " VIREO_JAVA_OPTIONS=-XX:TieredStopAtLevel=1 ";

    private final Bed bed;
    private final Path software;
    private final Random random;
    private List<DiskImage> held =
            List.of(new DiskImage(128 * MIB), new DiskImage(128 * MIB), new DiskImage(64 * MIB));
    private int cuts;

    /**
     * A machine that was never switched on; its disks are empty.
     *
     * @param software a file system with JDK, daemon and {@link Load}
     */
    Machine(Bed bed, Path software, long seed) {
        this.bed = bed;
        this.software = software;
        random = new Random(seed);
    }

    /** Writes that no flush had covered at the last cut, and that were lost, kept or torn. */
    private int undecided;

    int undecided() {
        return undecided;
    }

    /**
     * Switches it on, starts the daemon, has {@link Load} check and write, and cuts the power after
     * so many flushes.
     *
     * @param arguments of {@link Load} behind the socket
     * @return flushes of which the end was heard
     */
    int run(List<String> arguments, int flushes) {
        var log = new DiskLog();
        try (var power = new Power(log)) {
            var guest = new Guest(bed, "machine", options());
            try {
                guest.start();
                prepare(guest);
                begin(guest, arguments);
                awaitFlushes(guest.consoleLog(), flushes);
                TimeUnit.MILLISECONDS.sleep(random.nextInt(400));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                guest.kill();
            }
        }
        var cut = new CrashPoint(log, held);
        cut.advanceToEnd();
        undecided = cut.optionalCount();
        held = cut.image(cut.drawn(random));
        cuts++;
        return flushed(guestLog());
    }

    private Path guestLog() {
        return bed.run().resolve("machine.console.log");
    }

    private void prepare(Guest guest) {
        guest.output(
                "mkdir -p /opt /usr/bin /tmp/run /state && ln -s /bin/busybox /usr/bin/env"
                        + " && mount -t ext4 -o ro /dev/vda /opt");
        if (cuts == 0) {
            guest.output("/usr/sbin/mke2fs -q -t ext4 /dev/vdd");
        }
        guest.output("mount -t ext4 /dev/vdd /state");
        guest.output(
                BESIDE
                        + "/opt/vireo/bin/vireo serve --runtime-dir /tmp/run --state-dir /state"
                        + " --listen 127.0.0.1:0 >/tmp/log 2>&1 &");
        awaitSocket(guest, "/tmp/run/api.sock");
        if (cuts == 0) {
            guest.output(BESIDE + "/opt/vireo/bin/vireo apply -f /opt/power.yaml");
        }
        awaitSocket(guest, "/tmp/run/machine/disk0.sock");
    }

    private static void awaitSocket(Guest guest, String socket) {
        var wait =
                "for i in $(seq 1500); do [ -S %s ] && exit 0; sleep 0.1; done; cat /tmp/log; exit 1"
                        .formatted(socket);
        var result = guest.run(wait, PATIENCE);
        if (result.status() != 0) {
            throw new AssertionError(socket + " is not there:\n" + result.output());
        }
    }

    private static void begin(Guest guest, List<String> arguments) {
        guest.output(
                "LD_LIBRARY_PATH=/opt/lib /opt/jdk/bin/java -XX:TieredStopAtLevel=1 -Xshare:auto"
                        + " --enable-native-access=ALL-UNNAMED -cp '/opt/load:/opt/vireo/lib/*'"
                        + " io.vireo.systest.power.Load /tmp/run/machine/disk0.sock "
                        + String.join(" ", arguments)
                        + " >/dev/ttyS0 2>&1 &");
    }

    private static void awaitFlushes(Path console, int flushes) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (flushed(console) < flushes) {
            var lines = lines(console);
            if (lines.stream()
                            .anyMatch(
                                    line -> line.contains("broken:") || line.contains("Exception"))
                    || System.nanoTime() > deadline) {
                throw new AssertionError(String.join("\n", lines));
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        if (!lines(console).contains("sound")) {
            throw new AssertionError("nothing was checked");
        }
    }

    private static int flushed(Path console) {
        return lines(console).stream()
                .filter(line -> line.matches("flushed \\d+\\."))
                .mapToInt(line -> Integer.parseInt(line.replaceAll("\\D", "")))
                .max()
                .orElse(0);
    }

    private static List<String> lines(Path console) {
        try {
            return Files.readAllLines(console);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path socket(int disk) {
        return bed.run().resolve("disk" + disk + ".sock");
    }

    private List<String> options() {
        var words = new ArrayList<>(List.of("-smp", "2", "-m", MEMORY_MIB + "M"));
        words.add("-object");
        words.add("memory-backend-memfd,id=memory,size=" + MEMORY_MIB + "M,share=on");
        words.addAll(List.of("-machine", "memory-backend=memory"));
        words.add("-drive");
        words.add("file=" + software + ",if=none,id=software,format=raw,readonly=on");
        words.addAll(List.of("-device", "virtio-blk-pci,drive=software"));
        for (int disk = 0; disk < held.size(); disk++) {
            words.add("-chardev");
            words.add("socket,id=to%d,path=%s".formatted(disk, socket(disk)));
            words.add("-device");
            words.add("vhost-user-blk-pci,chardev=to%d,num-queues=1".formatted(disk));
        }
        return List.copyOf(words);
    }

    /** The disks while they have power. */
    private final class Power implements AutoCloseable {
        private final ReactorGroup reactors = ReactorGroup.start(List.of(-1), PollMode.ADAPTIVE);
        private final List<Endpoint> endpoints = new ArrayList<>();

        Power(DiskLog log) {
            var transport =
                    new VhostUserTransport(reactors, VhostUserTransport.Configuration.defaults());
            for (int i = 0; i < held.size(); i++) {
                var disk = new SimulatedDisk(i, held.get(i).fork(), log, random.nextLong(), false);
                disk.dataMayChange();
                var card =
                        new VirtioBlkDevice(
                                "disk" + i,
                                disk,
                                false,
                                i == STATE ? "state" : "member" + i,
                                List.of(reactors.data().getFirst()),
                                new WritebackRecord(new MemoryState(), "disk" + i));
                endpoints.add(
                        transport.present(card, new EndpointSpec("disk" + i, socket(i), true)));
            }
        }

        @Override
        public void close() {
            try {
                for (var endpoint : endpoints) {
                    var closed = new CountDownLatch(1);
                    endpoint.close(closed::countDown);
                    if (!closed.await(1, TimeUnit.MINUTES)) {
                        throw new AssertionError("a disk is not let go of");
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            reactors.close();
        }
    }
}
