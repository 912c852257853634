package io.vireo.systest;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** QEMU's monitor (QMP): one command after the other. */
public final class Qmp implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final SocketChannel socket;
    private final ByteBuffer bytes = ByteBuffer.allocate(64 * 1024).limit(0);

    /** Connects and leaves the mode in which only capabilities are negotiated. */
    public Qmp(Path path) {
        try {
            socket = SocketChannel.open(StandardProtocolFamily.UNIX);
            socket.connect(UnixDomainSocketAddress.of(path));
            line();
        } catch (IOException e) {
            throw new ScenarioException("no monitor at " + path + ": " + e.getMessage(), e);
        }
        run("qmp_capabilities", "{}");
    }

    /**
     * Runs a command.
     *
     * @param arguments a JSON object
     * @return what it returns
     * @throws ScenarioException with QEMU's words if it fails
     */
    public JsonNode run(String command, String arguments) {
        String text = "{\"execute\": \"%s\", \"arguments\": %s}%n".formatted(command, arguments);
        try {
            socket.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            while (true) {
                JsonNode answer = JSON.readTree(line());
                if (answer.has("return")) {
                    return answer.path("return");
                }
                if (answer.has("error")) {
                    throw new ScenarioException(command + ": " + answer.path("error"));
                }
                // An event.
            }
        } catch (IOException e) {
            throw new ScenarioException(command + ": " + e.getMessage(), e);
        }
    }

    private String line() throws IOException {
        var line = new StringBuilder();
        while (true) {
            while (bytes.hasRemaining()) {
                char next = (char) bytes.get();
                if (next == '\n') {
                    return line.toString();
                }
                line.append(next);
            }
            bytes.clear();
            int count = socket.read(bytes);
            bytes.flip();
            if (count < 0) {
                throw new IOException("the monitor hung up");
            }
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new ScenarioException("the monitor cannot be closed", e);
        }
    }
}
