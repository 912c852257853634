package io.vireo.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * An iSCSI target on loopback: ours against tgt, on files of one file system, each side with a file
 * of its own, written whole beforehand. Clients are libiscsi's: iscsi-perf reads, qemu-img writes,
 * on the other core. What they can do by themselves bounds both sides.
 */
final class ScsiBench {
    private static final long SIZE = 512L << 20;
    private static final int BLOCK = 512;
    private static final String TARGET = "iqn.2026-11.io.vireo.bench:vireo";
    private static final double WARM_UP_SECONDS = 3;
    private static final double SETTLE_SECONDS = 0.05;
    private static final Pattern IOPS = Pattern.compile("iops average (\\d+)");
    private static final Pattern COMPLETED = Pattern.compile("Run completed in ([0-9.]+) seconds");

    private record Case(boolean write, boolean random, int kibibytes, int depth) {
        String name() {
            return "iscsi-%dk-%s%s-qd%d"
                    .formatted(kibibytes, random ? "rand" : "seq", write ? "write" : "read", depth);
        }
    }

    private final Options options;
    private final Report report;
    private final Path directory;

    ScsiBench(Options options, Report report, Path directory) {
        this.options = options;
        this.report = report;
        this.directory = directory;
    }

    void run() {
        var cases = cases();
        if (cases.isEmpty()) {
            return;
        }
        var probe = new Probe(NetBench.BACK_END_CORE, NetBench.FRONT_END_CORE);
        var interleaver = new Interleaver(probe, report, options.windows(), options.seconds());
        try (var peer = peer();
                var vireo = options.control() ? peer() : vireo()) {
            for (var each : cases) {
                peer.begin(each);
                vireo.begin(each);
                interleaver.run(each.name(), CaseResult.Unit.rate("kIOPS"), vireo, peer);
            }
        }
    }

    private List<Case> cases() {
        var cases = new ArrayList<Case>();
        for (var depth : List.of(32, 1)) {
            cases.add(new Case(false, true, 4, depth));
            cases.add(new Case(true, false, 4, depth));
        }
        cases.add(new Case(false, false, 128, 32));
        cases.add(new Case(true, false, 128, 32));
        return cases.stream()
                .filter(each -> options.wants(each.name()))
                .limit(options.quick() ? 2 : cases.size())
                .toList();
    }

    private TargetSide peer() {
        var port = freePort();
        var file = directory.resolve("tgt-" + port + ".raw");
        try (var raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(SIZE);
        } catch (IOException e) {
            throw new BenchException("Cannot make " + file + ".", e);
        }
        Progress.say("starting tgt");
        var tgt = new Tgt(port, file.toString());
        return filled(new TargetSide("tgt", tgt.process(), url(port, Tgt.TARGET, 1)));
    }

    private TargetSide vireo() {
        var port = freePort();
        var daemon = VireoDaemon.start(options.root(), directory, NetBench.BACK_END_CORE);
        daemon.define(Resources.iscsiDisk(SIZE, directory, TARGET, port));
        return filled(new TargetSide("vireo", daemon.process(), url(port, TARGET, 0)));
    }

    private static TargetSide filled(TargetSide side) {
        try {
            Progress.say("writing all of " + side.name() + "'s disk once");
            side.awaitTarget();
            side.writeAll();
            side.pause();
            return side;
        } catch (BenchException e) {
            side.close();
            throw e;
        }
    }

    private static String url(int port, String target, int lun) {
        return "iscsi://127.0.0.1:" + port + "/" + target + "/" + lun;
    }

    private static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new BenchException("No port is free.", e);
        }
    }

    /** A target with the tools that load it. */
    private static final class TargetSide implements Side, AutoCloseable {
        private static final double PATIENCE_SECONDS = 20;

        private final String name;
        private final MeasuredProcess process;
        private final String url;
        private Case load = new Case(false, true, 4, 1);

        /** IOPS seen last, from which the length of a window of writes follows. */
        private double rate = 1000;

        TargetSide(String name, MeasuredProcess process, String url) {
            this.name = name;
            this.process = process;
            this.url = url;
        }

        /** The daemon may still be on its way. */
        void awaitTarget() {
            for (var waited = 0.0;
                    Tgt.Command.run(List.of("iscsi-inq", url)).status() != 0;
                    waited += 0.2) {
                if (waited > PATIENCE_SECONDS) {
                    throw new BenchException(
                            url + " does not answer. Its process says: " + process.tail());
                }
                Progress.sleep(0.2);
            }
        }

        void writeAll() {
            write(new Case(true, false, 256, 8), (int) (SIZE / (256 << 10)));
        }

        /** Runs the load for a while: long enough for a compiler to have seen the path. */
        void begin(Case next) {
            load = next;
            rate = 1000;
            resume();
            window(WARM_UP_SECONDS / 3);
            window(WARM_UP_SECONDS);
            pause();
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public void resume() {
            process.resume();
            Progress.sleep(SETTLE_SECONDS);
        }

        @Override
        public void pause() {
            process.pause();
        }

        @Override
        public double window(double seconds) {
            rate =
                    load.write()
                            ? write(load, (int) Math.max(100, rate * seconds))
                            : read(load, seconds);
            return rate / 1000;
        }

        private double read(Case read, double seconds) {
            var words = client("iscsi-perf");
            words.addAll(List.of("-m", Integer.toString(read.depth())));
            words.addAll(List.of("-b", Integer.toString(read.kibibytes() * 1024 / BLOCK)));
            words.addAll(List.of("-t", Long.toString(Math.max(1, Math.round(seconds)))));
            if (read.random()) {
                words.add("-r");
            }
            words.add(url);
            return last(IOPS, Tgt.Command.run(words));
        }

        private double write(Case write, int requests) {
            var bytes = write.kibibytes() * 1024;
            var words = client("qemu-img");
            words.addAll(List.of("bench", "-w", "-f", "raw", "-t", "none"));
            words.addAll(List.of("-c", Integer.toString(requests)));
            words.addAll(List.of("-d", Integer.toString(write.depth())));
            words.addAll(List.of("-s", Integer.toString(bytes), url));
            return requests / last(COMPLETED, Tgt.Command.run(words));
        }

        private static List<String> client(String tool) {
            return new ArrayList<>(
                    List.of("taskset", "-c", Integer.toString(NetBench.FRONT_END_CORE), tool));
        }

        private double last(Pattern pattern, Tgt.Command command) {
            var found = pattern.matcher(command.output());
            var value = Double.NaN;
            while (found.find()) {
                value = Double.parseDouble(found.group(1));
            }
            if (command.status() != 0 || Double.isNaN(value)) {
                throw new BenchException(
                        "A client of " + name + " failed: " + command.output().strip());
            }
            return value;
        }

        @Override
        public void close() {
            process.resume();
            process.close();
        }
    }
}
