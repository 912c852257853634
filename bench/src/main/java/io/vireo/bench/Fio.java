package io.vireo.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** What the file gives without any virtualization: fio with io_uring, past the page cache. */
final class Fio {
    // fio(1), "TERSE OUTPUT", version 3: column 8 is the read side's IOPS, column 49 the write
    // side's.
    private static final int READ_IOPS = 7;
    private static final int WRITE_IOPS = 48;

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
                        "--rw=" + (load.random() ? "rand" : "") + (load.write() ? "write" : "read"),
                        "--bs=" + load.size(),
                        "--iodepth=" + load.depth(),
                        "--time_based",
                        "--runtime=" + Math.max(1, Math.round(seconds)),
                        "--output-format=terse",
                        "--terse-version=3");
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            var output =
                    new String(
                            process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            if (process.waitFor() != 0) {
                throw new BenchException("fio failed: " + output.strip());
            }
            var line = output.lines().filter(l -> l.startsWith("3;")).findFirst();
            var fields =
                    line.orElseThrow(() -> new BenchException("fio said: " + output))
                            .split(";", -1);
            return Double.parseDouble(fields[load.write() ? WRITE_IOPS : READ_IOPS]);
        } catch (IOException e) {
            throw new BenchException("Cannot start fio.", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("The benchmark was interrupted.", e);
        }
    }
}
