package io.vireo.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** What the file gives without any virtualization: fio with io_uring, past the page cache. */
final class Fio {
    // fio(1), "TERSE OUTPUT", version 3: column 8 is the read side's IOPS, column 49 the write
    // side's.
    private static final int READ_IOPS = 7;
    private static final int WRITE_IOPS = 48;

    private static final Pattern RESULT = Pattern.compile("^3;.*");
    private static final double PATIENCE_SECONDS = 20;

    private Fio() {}

    /** Requests a second. */
    static double run(Path file, BlkDriver.Load load, double seconds) {
        var command =
                List.of(
                        "fio",
                        "--name=reference",
                        "--filename=" + file,
                        "--direct=1",
                        "--ioengine=io_uring",
                        "--cpus_allowed=" + NetBench.BACK_END_CORE,
                        "--rw=" + mode(load),
                        "--bs=" + load.size(),
                        "--iodepth=" + load.depth(),
                        "--time_based",
                        "--runtime=" + Math.max(500, Math.round(seconds * 1000)) + "ms",
                        "--output-format=terse",
                        "--terse-version=3");
        try (var process = new MeasuredProcess("fio", command, Map.of())) {
            process.favour();
            var line = process.await(RESULT, seconds + PATIENCE_SECONDS).group();
            return Double.parseDouble(line.split(";", -1)[load.writes() ? WRITE_IOPS : READ_IOPS]);
        }
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
