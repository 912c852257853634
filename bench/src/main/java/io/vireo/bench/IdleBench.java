package io.vireo.bench;

import io.vireo.testkit.DriverMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What many connected vNICs and vDisks cost while their servers do nothing. The peer is the limit
 * that we promise.
 */
final class IdleBench {
    private static final int SERVERS = 100;
    private static final double CPU_LIMIT_PERCENT = 2;
    private static final double MEMORY_LIMIT_MEGABYTES = 300;
    private static final double SETTLE_SECONDS = 5;
    private static final Pattern MAPPING = Pattern.compile("^[0-9a-f]+-[0-9a-f]+ .*");
    private static final Pattern RSS = Pattern.compile("^Rss:\\s+(\\d+) kB");

    private final Options options;
    private final Report report;
    private final Path directory;

    IdleBench(Options options, Report report, Path directory) {
        this.options = options;
        this.report = report;
        this.directory = directory;
    }

    void run() {
        var servers = options.quick() ? 10 : SERVERS;
        try (var daemon = VireoDaemon.start(options.root(), directory)) {
            Progress.say("defining " + servers + " servers with a vNIC and a vDisk each");
            var sockets = daemon.define(Resources.idleServers(servers, directory));
            var command = new ArrayList<String>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp"));
            command.add(System.getProperty("java.class.path", ""));
            command.add(IdleFrontEnds.class.getName());
            sockets.forEach(socket -> command.add(socket.toString()));
            Progress.say("connecting " + sockets.size() + " front ends");
            try (var frontEnds = new MeasuredProcess("front ends", command, Map.of())) {
                frontEnds.await(Pattern.compile(IdleFrontEnds.CONNECTED), 120);
                measure(daemon.process().pid(), servers);
            }
        }
    }

    private void measure(long pid, int servers) {
        Progress.sleep(SETTLE_SECONDS);
        Progress.say(String.format("watching for %.0f s", options.seconds()));
        var before = Host.processorSeconds(pid);
        var start = System.nanoTime();
        Progress.sleep(options.seconds());
        var share = (Host.processorSeconds(pid) - before) / ((System.nanoTime() - start) / 1e9);
        var resident = residentMegabytes(pid);
        report.add(
                CaseResult.cost("idle-" + servers + "-cpu", "%", share * 100, CPU_LIMIT_PERCENT));
        report.add(
                CaseResult.cost(
                        "idle-" + servers + "-rss", "MB", resident, MEMORY_LIMIT_MEGABYTES));
    }

    /** Resident memory without that of the guests, in units of 10^6 bytes. */
    private static double residentMegabytes(long pid) {
        var kibibytes = 0L;
        var guest = false;
        try {
            for (var line : Files.readAllLines(Path.of("/proc/" + pid + "/smaps"))) {
                var rss = RSS.matcher(line);
                if (MAPPING.matcher(line).matches()) {
                    guest = line.contains(DriverMemory.NAME);
                } else if (!guest && rss.find()) {
                    kibibytes += Long.parseLong(rss.group(1));
                }
            }
        } catch (IOException e) {
            throw new BenchException("Cannot read the daemon's memory maps.", e);
        }
        return kibibytes * 1024 / 1e6;
    }
}
