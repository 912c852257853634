package io.vireo.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The peer of iSCSI: the user-space target of Linux, tgtd, with one logical unit. */
final class Tgt {
    static final int LUN = 1;
    static final String TARGET = "iqn.2026-11.io.vireo.bench:tgt";

    private static final int CONTROL = 7;
    private static final double PATIENCE_SECONDS = 10;

    /** How it reads and writes the file of a unit (tgtadm(8), bstype). */
    enum Store {
        /** Threads, by the page cache. */
        CACHED("tgt", ""),
        /** Threads, past the page cache. */
        THREADS("tgt", " --bsoflags direct"),
        /** The kernel's asynchronous I/O, which is always past the page cache. */
        AIO("tgt-aio", " --bstype aio");

        private final String peer;
        private final String options;

        Store(String peer, String options) {
            this.peer = peer;
            this.options = options;
        }

        /** What it is called as a peer. */
        String peer() {
            return peer;
        }
    }

    private final MeasuredProcess process;

    /**
     * @param port of its portal on loopback
     * @param file that its logical unit is
     */
    Tgt(int port, Path file, Store store) {
        var command =
                new ArrayList<>(List.of("taskset", "-c", Integer.toString(NetBench.BACK_END_CORE)));
        command.addAll(List.of("tgtd", "-f", "-C", Integer.toString(CONTROL)));
        command.addAll(List.of("--iscsi", "portal=127.0.0.1:" + port));
        process = new MeasuredProcess("tgtd", command, Map.of());
        try {
            awaitControl();
            tgtadm("--op new --mode target --tid 1 -T " + TARGET);
            tgtadm(
                    "--op new --mode logicalunit --tid 1 --lun %d -b %s%s"
                            .formatted(LUN, file, store.options));
            tgtadm("--op bind --mode target --tid 1 -I ALL");
        } catch (BenchException e) {
            process.close();
            throw e;
        }
        process.favour();
    }

    private void awaitControl() {
        for (var waited = 0.0; run("--op show --mode sys") != 0; waited += 0.1) {
            if (!process.alive() || waited > PATIENCE_SECONDS) {
                throw new BenchException("tgtd does not start: " + process.tail());
            }
            Progress.sleep(0.1);
        }
    }

    private void tgtadm(String arguments) {
        if (run(arguments) != 0) {
            throw new BenchException(
                    "tgtadm " + arguments + " failed. tgtd says: " + process.tail());
        }
    }

    private static int run(String arguments) {
        var command = new ArrayList<>(List.of("tgtadm", "-C", Integer.toString(CONTROL)));
        command.addAll(List.of("--lld", "iscsi"));
        command.addAll(List.of(arguments.split(" ")));
        return Command.run(command).status();
    }

    MeasuredProcess process() {
        return process;
    }

    /** A command that is run to its end. */
    record Command(int status, String output) {
        private static final long PATIENCE_SECONDS = 120;

        static Command run(List<String> words) {
            try {
                var process = new ProcessBuilder(words).redirectErrorStream(true).start();
                process.getOutputStream().close();
                var output =
                        new String(
                                process.getInputStream().readAllBytes(),
                                StandardCharsets.ISO_8859_1);
                if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                    throw new BenchException(String.join(" ", words) + " does not end.");
                }
                return new Command(process.exitValue(), output);
            } catch (IOException e) {
                throw new BenchException("Cannot run " + words.getFirst() + ".", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new BenchException("The benchmark was interrupted.", e);
            }
        }
    }
}
