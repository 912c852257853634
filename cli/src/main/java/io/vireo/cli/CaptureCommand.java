package io.vireo.cli;

import io.vireo.cli.http.HttpResponse;
import java.io.BufferedOutputStream;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Captures the frames of a vNIC. */
@Command(
        name = "capture",
        description = "Capture the frames of a vNIC as a pcapng file, until interrupted.",
        footer = {
            "",
            "Examples: vireo capture web1.eth0 -w web1.pcapng",
            "          vireo capture web1.eth0 --filter 'host 10.0.0.5 and port 80' | tshark -r -"
        })
final class CaptureCommand extends Subcommand {
    private static final String STANDARD_OUTPUT = "-";
    private static final int BUFFER = 1 << 16;
    private static final int PATIENCE_SECONDS = 2;

    @Parameters(paramLabel = "VNIC", description = "The vNIC, like web1.eth0 or vnic/web1.eth0.")
    String vnic = "";

    @Option(
            names = {"-w", "--write"},
            paramLabel = "FILE",
            description = "File that is written; '-', the default, is the standard output.")
    String file = STANDARD_OUTPUT;

    @Option(
            names = "--direction",
            paramLabel = "DIRECTION",
            description = "in: what the guest gets; out: what it sends; both is the default.")
    @Nullable String direction;

    @Option(
            names = {"-s", "--snaplen"},
            paramLabel = "N",
            description = "Bytes of each frame that are kept, at least 64. Default: all.")
    @Nullable String snapLength;

    @Option(
            names = {"-c", "--count"},
            paramLabel = "N",
            description = "End after so many frames.")
    @Nullable String count;

    @Option(
            names = "--filter",
            paramLabel = "TERMS",
            description =
                    "Only frames that meet all terms, joined by 'and': mac ADDRESS, vlan NUMBER, ethertype"
                            + " ipv4|ipv6|arp|0xHHHH, host ADDRESS or PREFIX, proto"
                            + " tcp|udp|sctp|icmp|icmpv6|igmp|NUMBER, port NUMBER.")
    @Nullable String filter;

    @Override
    public Integer call() {
        Console console = System.console();
        if (file.equals(STANDARD_OUTPUT) && console != null && console.isTerminal()) {
            throw new CliException(
                    ExitCode.USAGE,
                    "a capture is not for a terminal: name a file with -w, or add '| tshark -r -'");
        }
        vnic = KindNames.Named.in(vnic);
        var interrupted = new AtomicBoolean();
        var done = new CountDownLatch(1);
        HttpResponse response = connection.open().stream(path(), Map.of());
        var hook = Thread.ofPlatform().unstarted(() -> interrupt(interrupted, response, done));
        Runtime.getRuntime().addShutdownHook(hook);
        try (response;
                OutputStream target = target()) {
            var capture = new CaptureFile(response.body(), target);
            pass(capture, interrupted);
            tell(capture);
            return ExitCode.OK;
        } catch (IOException e) {
            throw new CliException(
                    ExitCode.FAILED, "cannot write " + file + ": " + Sources.reason(e));
        } finally {
            done.countDown();
            removeHook(hook);
        }
    }

    private String path() {
        return new Query()
                .with("direction", direction)
                .with("snaplen", snapLength)
                .with("count", count)
                .with("filter", filter)
                .behind(ApiClient.path("vnics", vnic) + "/capture");
    }

    private OutputStream target() throws IOException {
        OutputStream target =
                file.equals(STANDARD_OUTPUT)
                        ? new FileOutputStream(FileDescriptor.out)
                        : Files.newOutputStream(Path.of(file));
        return new BufferedOutputStream(target, BUFFER);
    }

    private void pass(CaptureFile capture, AtomicBoolean interrupted) throws IOException {
        try {
            boolean more = capture.next();
            if (more) {
                // What came first is written when the daemon captures.
                tell(beginning());
            }
            while (more) {
                more = capture.next();
            }
        } catch (CaptureFile.WriteException e) {
            // Whoever reads the standard output may have seen enough.
            if (!file.equals(STANDARD_OUTPUT)) {
                throw e;
            }
        } catch (IOException e) {
            if (!interrupted.get()) {
                throw ApiClient.failed(e);
            }
        }
    }

    /** Ends the capture on a signal, and lets what was captured be written. */
    private static void interrupt(
            AtomicBoolean interrupted, HttpResponse response, CountDownLatch done) {
        interrupted.set(true);
        try {
            response.close();
            done.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (IOException _) {
            // It is closed by then.
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // It is what runs: the process ends.
        }
    }

    private String beginning() {
        String target = file.equals(STANDARD_OUTPUT) ? "the standard output" : file;
        String end = count == null ? "" : ", or after " + count + " frames";
        return "capturing %s to %s; end it with Ctrl-C%s".formatted(vnic, target, end);
    }

    private void tell(CaptureFile capture) {
        tell(
                capture.frames()
                        + " frames captured, "
                        + capture.lost()
                        + " lost because they came too fast");
    }

    private void tell(String sentence) {
        err().println(sentence);
        err().flush();
    }
}
