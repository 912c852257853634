package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.Eventually;
import io.vireo.testkit.HostShell;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** All frames that pass an interface of a namespace, in both directions: dumpcap and tshark. */
final class WireCapture implements AutoCloseable {
    private final String wire;
    private final Path file;
    private final Path log;
    private final Process process;

    private WireCapture(String wire, Path file, Path log, Process process) {
        this.wire = wire;
        this.file = file;
        this.log = log;
        this.process = process;
    }

    /**
     * Begins one, whose file is called after the interface.
     *
     * @param folder that the file comes into
     * @param wire the interface
     */
    static WireCapture begin(Path folder, String namespace, String wire) {
        Path file = folder.resolve(wire + ".pcapng");
        Path log = folder.resolve(wire + ".dumpcap");
        var words = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        words.addAll(List.of("dumpcap", "-q", "-n", "-B", "64", "-i", wire, "-w", file.toString()));
        var builder = new ProcessBuilder(words).redirectErrorStream(true);
        try {
            Process process = builder.redirectOutput(log.toFile()).start();
            var capture = new WireCapture(wire, file, log, process);
            File made = file.toFile();
            Eventually.slowly("a capture of " + wire, () -> made.length() > 0);
            return capture;
        } catch (IOException e) {
            throw new IllegalStateException("dumpcap", e);
        }
    }

    Path file() {
        return file;
    }

    /**
     * What tshark says of frames that are in the file by now.
     *
     * @param filter which frames, without single quotes
     * @param fields of each, in its line, with a plus between
     */
    List<String> frames(String filter, String... fields) {
        var command = new StringBuilder("tshark -n -r " + file + " -Y '" + filter + "' -T fields");
        command.append(" -E separator=+ 2>/dev/null");
        for (var field : fields) {
            command.append(" -e ").append(field);
        }
        // No matter how tshark ends: while the file grows, its last frame may be there in part.
        var output = HostShell.result(command.toString()).output();
        return output.lines().filter(line -> !line.isEmpty()).toList();
    }

    /**
     * Ends it. What was sent last may not have been read yet: it has to be waited for in {@link
     * #frames} before.
     *
     * @throws AssertionError if frames were passed over: what was not seen cannot be judged
     */
    void end() {
        assertThat(Processes.end(process, Duration.ofSeconds(30))).isTrue();
        // "Packets received/dropped on interface".
        assertThat(log).content().containsPattern("dropped on interface '" + wire + "': [0-9]+/0 ");
    }

    /** Ends it, however it went. */
    @Override
    public void close() {
        Processes.kill(process);
    }
}
