package io.vireo.bench;

import io.vireo.bench.CaseResult.Unit;
import io.vireo.systest.Bed;
import io.vireo.systest.Guest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * A TCP stream between a network namespace and a stock guest, through each type of uplink, and
 * through a TAP that QEMU serves itself.
 *
 * <p>One guest has a card for each way, so that processor, kernel and memory are the same. Where it
 * runs without KVM, the guest is the limit; then the processor time of the back ends is what tells
 * them apart.
 */
final class TcpBench {
    private static final String NAMESPACE = "vireo-bench";
    private static final String OWN = "own";
    private static final List<String> WAYS = List.of("tap", "packet", "xdp", OWN);
    private static final List<String> DIRECTIONS = List.of("in", "out");
    private static final Unit GIGABITS = Unit.rate("Gbit/s");
    private static final int MEMORY_MIB = 256;
    private static final int FIRST_ADDRESS = 32;
    private static final int TRIES = 20;
    private static final long PAUSE_NANOS = 200_000_000;
    private static final double GIBIBYTE = 1L << 30;

    private static final Pattern RECEIVED =
            Pattern.compile(
                    "\"sum_received\":\\s*\\{[^}]*\"bytes\":\\s*(\\d+)"
                            + "[^}]*\"bits_per_second\":\\s*([0-9.e+]+)");

    private final Options options;
    private final Report report;
    private final Path directory;
    private final Interleaver interleaver;

    TcpBench(Options options, Report report, Path directory, Interleaver interleaver) {
        this.options = options;
        this.report = report;
        this.directory = directory;
        this.interleaver = interleaver;
    }

    private static String name(String way, String direction) {
        return "tcp-" + way + "-" + direction;
    }

    private boolean wants(String way) {
        return !way.equals(OWN)
                && DIRECTIONS.stream().anyMatch(direction -> options.wants(name(way, direction)));
    }

    void run() {
        if (WAYS.stream().noneMatch(this::wants)) {
            return;
        }
        var bed = Bed.prepare(options.root(), "bench-tcp");
        if (!bed.emulator().kvm()) {
            report.remark("tcp: the guest runs without KVM (TCG), and is the limit.");
        }
        try (var namespace = Namespace.create(NAMESPACE);
                var daemon =
                        VireoDaemon.start(
                                options.root(), directory.resolve("tcp"), NetBench.BACK_END_CORE);
                var guest =
                        Guest.inNamespace(
                                bed, "bench", devices(namespace, daemon), namespace.name())) {
            Progress.say("starting a guest");
            guest.start();
            address(namespace, guest);
            // One that ends is followed by another: a server does not outlive each broken stream.
            guest.output(
                    "(while :; do iperf3 -s -4 -1 >/dev/null 2>&1; done </dev/null >/dev/null 2>&1 &)");
            var hypervisor = Hypervisor.of(bed, "bench");
            hypervisor.pin(NetBench.FRONT_END_CORE, NetBench.BACK_END_CORE);
            daemon.process().pause();
            for (var way : WAYS) {
                for (var direction : DIRECTIONS) {
                    if (wants(way) && options.wants(name(way, direction))) {
                        measure(way, direction, namespace, daemon, hypervisor);
                    }
                }
            }
        }
    }

    private void measure(
            String way,
            String direction,
            Namespace namespace,
            VireoDaemon daemon,
            Hypervisor hypervisor) {
        var vireo = new Stream("vireo", way, direction, namespace, daemon, hypervisor);
        var own = new Stream("qemu-tap", OWN, direction, namespace, daemon, hypervisor);
        var name = name(way, direction);
        interleaver.run(name, GIGABITS, vireo, own);
        report.reference(name + "-cpu-vireo", "s/GiB", vireo.daemonSeconds());
        report.reference(name + "-busy-vireo", "s/GiB", vireo.busySeconds());
        report.reference(name + "-cpu-qemu", "s/GiB", own.hypervisorSeconds());
    }

    /** QEMU's options for the memory and a card for each way, in this order. */
    private List<String> devices(Namespace namespace, VireoDaemon daemon) {
        var words = new ArrayList<>(List.of("-m", MEMORY_MIB + "M", "-object"));
        words.add("memory-backend-memfd,id=memory,size=" + MEMORY_MIB + "M,share=on");
        words.addAll(List.of("-machine", "memory-backend=memory"));
        for (var way : WAYS) {
            var mac = Addresses.text(FIRST_ADDRESS + WAYS.indexOf(way));
            if (way.equals(OWN)) {
                words.addAll(
                        List.of(
                                "-netdev",
                                "tap,id=own,ifname=" + OWN + ",script=no,downscript=no,vhost=off"));
            } else {
                Uplinks.prepare(way, namespace);
                var home = directory.resolve("tcp");
                var socket =
                        daemon.define(Resources.uplink(way, namespace.name(), mac, home))
                                .getFirst();
                words.addAll(List.of("-chardev", "socket,id=to-" + way + ",path=" + socket));
                words.addAll(List.of("-netdev", "vhost-user,id=" + way + ",chardev=to-" + way));
            }
            // vhost-user, MSI-X and TCG do not go together in older versions of QEMU.
            words.addAll(
                    List.of("-device", "virtio-net-pci,vectors=0,netdev=" + way + ",mac=" + mac));
        }
        return List.copyOf(words);
    }

    /** Gives both ends of each way an address for measurements (RFC 2544). */
    private static void address(Namespace namespace, Guest guest) {
        for (var way : WAYS) {
            var subnet = WAYS.indexOf(way);
            var link = way.equals(OWN) ? OWN : Uplinks.end(way);
            namespace.ip("address", "add", host(subnet) + "/24", "dev", link);
            namespace.ip("link", "set", link, "up");
            guest.output(
                    "ip address add %s/24 dev eth%d && ip link set eth%d up"
                            .formatted(guest(subnet), subnet, subnet));
        }
    }

    private static String host(int subnet) {
        return "198.18." + subnet + ".1";
    }

    private static String guest(int subnet) {
        return "198.18." + subnet + ".2";
    }

    /** A stream by one way; the daemon runs only for ours. */
    private static final class Stream implements Side {
        private final String name;
        private final String way;
        private final String direction;
        private final Namespace namespace;
        private final VireoDaemon daemon;
        private final Hypervisor hypervisor;
        private double gibibytes;
        private double daemonTime;
        private double busyTime;
        private double hypervisorTime;

        Stream(
                String name,
                String way,
                String direction,
                Namespace namespace,
                VireoDaemon daemon,
                Hypervisor hypervisor) {
            this.name = name;
            this.way = way;
            this.direction = direction;
            this.namespace = namespace;
            this.daemon = daemon;
            this.hypervisor = hypervisor;
        }

        private boolean ours() {
            return !way.equals(OWN);
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public void resume() {
            if (ours()) {
                daemon.process().resume();
            }
        }

        @Override
        public void pause() {
            if (ours()) {
                daemon.process().pause();
            }
        }

        @Override
        public double window(double seconds) {
            stream(1);
            var daemonBefore = daemonNow();
            var busyBefore = busyNow();
            var hypervisorBefore = hypervisorNow();
            var result = stream((int) Math.max(1, Math.ceil(seconds)));
            daemonTime += daemonNow() - daemonBefore;
            busyTime += busyNow() - busyBefore;
            hypervisorTime += hypervisorNow() - hypervisorBefore;
            gibibytes += Double.parseDouble(result.group(1)) / GIBIBYTE;
            return Double.parseDouble(result.group(2)) / 1e9;
        }

        private MatchResult stream(int seconds) {
            var words = new ArrayList<>(List.of("iperf3", "-4", "-J", "-c"));
            words.add(guest(WAYS.indexOf(way)));
            words.addAll(List.of("-t", Integer.toString(seconds)));
            if (direction.equals("out")) {
                words.add("-R");
            }
            var output = namespace.inside(words.toArray(String[]::new));
            for (var i = 0; i < TRIES && output.contains("unable to connect"); i++) {
                // The next server is not there yet.
                LockSupport.parkNanos(PAUSE_NANOS);
                output = namespace.inside(words.toArray(String[]::new));
            }
            var result = RECEIVED.matcher(output);
            if (!result.find()) {
                throw new BenchException("iperf3 says: " + output);
            }
            return result.toMatchResult();
        }

        private double daemonNow() {
            return Host.processorSeconds(daemon.process().pid());
        }

        private double busyNow() {
            return ours() ? daemon.load().busySeconds() : 0;
        }

        private double hypervisorNow() {
            return hypervisor.mainLoopSeconds();
        }

        /** Processor time of the daemon for 2^30 bytes, in s, waiting included. */
        double daemonSeconds() {
            return daemonTime / gibibytes;
        }

        /** Time of its reactor's turns in which there was work. */
        double busySeconds() {
            return busyTime / gibibytes;
        }

        /** Processor time of QEMU's main loop, which serves its own TAP. */
        double hypervisorSeconds() {
            return hypervisorTime / gibibytes;
        }
    }
}
