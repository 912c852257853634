package io.vireo.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * fio with io_uring, past the page cache: on a file, what that gives without any virtualization.
 */
final class Fio {
    // fio(1), "TERSE OUTPUT", version 3: column 8 is the read side's IOPS, column 49 the write
    // side's.
    private static final int READ_IOPS = 7;
    private static final int WRITE_IOPS = 48;

    /** The line in which it tells its figures. */
    static final Pattern RESULT = Pattern.compile("^3;.*", Pattern.MULTILINE);

    private static final double PATIENCE_SECONDS = 20;

    private Fio() {}

    /** Requests a second. */
    static double run(Path file, BlkDriver.Load load, double seconds) {
        var command = new ArrayList<>(List.of("fio", "--cpus_allowed=" + NetBench.BACK_END_CORE));
        command.addAll(arguments(file.toString(), load, seconds));
        try (var process = new MeasuredProcess("fio", command, Map.of())) {
            process.favour();
            return iops(process.await(RESULT, seconds + PATIENCE_SECONDS).group(), load);
        }
    }

    /** What it is told, wherever it runs. */
    static List<String> arguments(String file, BlkDriver.Load load, double seconds) {
        return List.of(
                "--name=reference",
                "--filename=" + file,
                "--direct=1",
                "--ioengine=io_uring",
                "--rw=" + mode(load),
                "--bs=" + load.size(),
                "--iodepth=" + load.depth(),
                "--time_based",
                "--runtime=" + Math.max(500, Math.round(seconds * 1000)) + "ms",
                "--output-format=terse",
                "--terse-version=3");
    }

    /** Requests a second, by the line in which it tells its figures. */
    static double iops(String result, BlkDriver.Load load) {
        return Double.parseDouble(result.split(";", -1)[load.writes() ? WRITE_IOPS : READ_IOPS]);
    }

    private static String mode(BlkDriver.Load load) {
        return switch (load.order()) {
                    case RANDOM -> "rand";
                    case SEQUENTIAL -> "";
                    case FRESH ->
                            throw new IllegalArgumentException("fio has written all of its file");
                }
                + switch (load.kind()) {
                    case READ -> "read";
                    case WRITE -> "write";
                    case WRITE_FLUSH ->
                            throw new IllegalArgumentException("fio is not asked for flushes");
                };
    }
}
