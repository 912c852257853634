package io.vireo.bench;

import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A daemon with many vHBAs of ten LUNs: how long a login takes, whether REPORT LUNS is right, and
 * what memory an idle session takes.
 */
final class ScsiScale {
    private static final int TARGETS = 1000;
    private static final int LUNS = 10;

    /** Of which each is two resources; the interface takes 1,000 of these at once. */
    private static final int AT_ONCE = 250;

    private static final int REPORT_LUNS = 0xA0;
    private static final int REPORT_LENGTH = 8 + 8 * LUNS;
    private static final double LOGIN_LIMIT_MILLIS = 10;
    private static final double SETTLE_SECONDS = 3;
    private static final String CASE = "scsi-" + TARGETS + "-login";

    private final Options options;
    private final Report report;
    private final Path directory;

    ScsiScale(Options options, Report report, Path directory) {
        this.options = options;
        this.report = report;
        this.directory = directory.resolve("many");
    }

    void run() {
        if (!options.wants(CASE)) {
            return;
        }
        var port = ScsiBench.freePort();
        try (var daemon = VireoDaemon.start(options.root(), directory, NetBench.BACK_END_CORE)) {
            Progress.say("defining %d vHBAs of %d LUNs".formatted(TARGETS, LUNS));
            daemon.define(Resources.manyLuns(LUNS, port));
            for (var first = 0; first < TARGETS; first += AT_ONCE) {
                daemon.define(Resources.manyTargets(first, first + AT_ONCE, LUNS, directory));
            }
            awaitTarget(port, daemon);
            measure(daemon.process().pid(), port);
        }
    }

    /** The last of them is there when all are. */
    private static void awaitTarget(int port, VireoDaemon daemon) {
        for (var waited = 0.0; ; waited += 0.5) {
            try (var initiator = logIn(port, TARGETS - 1)) {
                return;
            } catch (IOException | BenchException e) {
                if (waited > 120) {
                    throw new BenchException(
                            "The last target does not answer: " + daemon.process().tail(), e);
                }
                Progress.sleep(0.5);
            }
        }
    }

    private void measure(long pid, int port) {
        var millis = new ArrayList<Double>();
        var sessions = new ArrayList<IscsiInitiator>();
        try {
            // The paths are compiled, and the heap has the size that it keeps.
            for (var i = 0; i < TARGETS; i++) {
                try (var first = logIn(port, i)) {
                    check(first);
                }
            }
            Progress.sleep(SETTLE_SECONDS);
            var before = Host.residentBytes(pid);
            for (var i = 0; i < TARGETS; i++) {
                var begin = System.nanoTime();
                sessions.add(logIn(port, i));
                millis.add((System.nanoTime() - begin) / 1e6);
                check(sessions.getLast());
            }
            Progress.sleep(SETTLE_SECONDS);
            var each = (Host.residentBytes(pid) - before) / (double) TARGETS;
            report.add(CaseResult.cost(CASE, "ms", median(millis), LOGIN_LIMIT_MILLIS));
            report.reference(CASE + "-slowest", "ms", millis.stream().max(Double::compare).get());
            report.reference("scsi-idle-session", "KiB", each / 1024);
            report.reference("scsi-" + TARGETS + "-rss", "MB", Host.residentBytes(pid) / 1e6);
        } catch (IOException e) {
            throw new BenchException("A session is lost: " + e.getMessage(), e);
        } finally {
            sessions.forEach(ScsiScale::close);
        }
    }

    private static double median(List<Double> values) {
        return CaseResult.median(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    private static IscsiInitiator logIn(int port, int target) throws IOException {
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        var initiator = new IscsiInitiator(address, "iqn.2026-11.io.vireo.bench:client");
        var response = initiator.login(Resources.targetName("many" + target), Map.of());
        if (response.u16(36) != 0) {
            initiator.close();
            throw new BenchException("A login is refused with status " + response.u16(36) + ".");
        }
        return initiator;
    }

    private static void check(IscsiInitiator initiator) throws IOException {
        var cdb = ByteBuffer.allocate(16).put(0, (byte) REPORT_LUNS).putInt(6, 256).array();
        IscsiPdu data = initiator.exchange(initiator.command(0xC1, 0, 256, cdb));
        var list = ByteBuffer.wrap(data.data());
        var right = list.remaining() == REPORT_LENGTH && list.getInt(0) == REPORT_LENGTH - 8;
        for (var i = 0; right && i < LUNS; i++) {
            right = list.getLong(8 + 8 * i) == (long) i << 48;
        }
        if (!right) {
            throw new BenchException("REPORT LUNS is answered with " + data + ".");
        }
        if ((data.flags() & 1) == 0) {
            initiator.receive();
        }
    }

    private static void close(IscsiInitiator initiator) {
        try {
            initiator.close();
        } catch (IOException e) {
            throw new BenchException("A session cannot be closed: " + e.getMessage(), e);
        }
    }
}
