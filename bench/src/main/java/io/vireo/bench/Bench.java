package io.vireo.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/** Entry point of {@code script/bench}. */
public final class Bench {
    private Bench() {}

    /** Runs one benchmark; exit status 1 and a sentence when it cannot. */
    public static void main(String[] arguments) throws IOException {
        var status = 0;
        try {
            run(Options.parse(List.of(arguments)));
        } catch (BenchException e) {
            System.err.println(e.getMessage());
            status = 1;
        }
        System.exit(status);
    }

    private static void run(Options options) throws IOException {
        MeasuredProcess.favourSelf(true);
        var report = new Report();
        // Not /tmp, which may lie in memory and is no disk then; short, as socket paths are.
        var directory = Files.createTempDirectory(Path.of("/var/tmp"), "vireo-bench");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(directory)));
        switch (options.benchmark()) {
            case "net" -> new NetBench(options, report, directory).run();
            case "blk" -> new BlkBench(options, report, directory).run();
            case "scsi" -> new ScsiBench(options, report, directory).run();
            case "qos" -> new QosBench(options, report, directory).run();
            case "idle" -> new IdleBench(options, report, directory).run();
            default -> throw new BenchException(Options.USAGE);
        }
        if (report.isEmpty()) {
            throw new BenchException("No case has a name that matches \"" + options.only() + "\".");
        }
        report.write(options.output(), options.resultName());
    }

    private static void delete(Path directory) {
        try (var files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            System.err.println("Left behind: " + directory);
        }
    }
}
