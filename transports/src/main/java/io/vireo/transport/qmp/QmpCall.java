package io.vireo.transport.qmp;

import io.vireo.linux.Epoll;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.UnixSocket;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One command at a monitor: connects, takes the greeting, negotiates no capability, runs the
 * command and hangs up. Messages are JSON objects, one in a line (docs/interop/qmp-spec.rst of
 * QEMU). Runs on one reactor.
 */
final class QmpCall {
    /** Bytes of the buffer that all calls of a reactor receive into and send from. */
    static final int SCRATCH = 4096;

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final int LINE_MAX = 64 * 1024;
    private static final int[] NO_FDS = {};
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** What is awaited. */
    private enum Step {
        GREETING,
        CAPABILITIES,
        COMMAND
    }

    private final Reactor reactor;
    private final NativeBuffer scratch;
    private final Path path;
    private final String command;
    private final Map<String, ?> arguments;
    private final Consumer<String> done;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private Step step = Step.GREETING;
    private @Nullable UnixSocket socket;
    private @Nullable FdWatch watch;
    private @Nullable Timer deadline;

    /**
     * Prepares a call.
     *
     * @param scratch of {@link #SCRATCH} bytes, used by nobody else during a turn
     * @param done gets an empty string, or a sentence that says what failed; never within {@link
     *     #start}
     */
    QmpCall(
            Reactor reactor,
            NativeBuffer scratch,
            Path path,
            String command,
            Map<String, ?> arguments,
            Consumer<String> done) {
        this.reactor = reactor;
        this.scratch = scratch;
        this.path = path;
        this.command = command;
        this.arguments = arguments;
        this.done = done;
    }

    void start() {
        try {
            var connected = UnixSocket.connect(path);
            socket = connected;
            watch = reactor.watch(connected.fd().number(), Epoll.EPOLLIN, _ -> receive(connected));
            deadline =
                    reactor.schedule(
                            PATIENCE_NANOS,
                            () -> finish("does not answer; is another client connected to it?"));
        } catch (ErrnoException e) {
            var why =
                    e.errno() == Errno.ENOENT ? "is not there" : "cannot be had: " + e.getMessage();
            reactor.execute(() -> finish(why));
        }
    }

    private void receive(UnixSocket from) {
        int count = from.recvmsg(scratch.address(), SCRATCH, NO_FDS);
        if (count == -Errno.EAGAIN || count == -Errno.EINTR) {
            return;
        }
        if (count <= 0) {
            finish("hung up");
            return;
        }
        var bytes = new byte[count];
        ForeignMemory.copyToArray(scratch.address(), bytes, 0, count);
        for (byte next : bytes) {
            if (next != '\n') {
                line.write(next);
            } else if (socket != null) {
                var text = line.toString(StandardCharsets.UTF_8);
                line.reset();
                take(from, text);
            }
        }
        if (socket != null && line.size() > LINE_MAX) {
            finish("speaks no QMP");
        }
    }

    private void take(UnixSocket from, String text) {
        try {
            take(from, JSON.readTree(text));
        } catch (JacksonException _) {
            finish("speaks no QMP");
        }
    }

    private void take(UnixSocket from, JsonNode message) {
        if (message.has("event")) {
            return;
        }
        if (message.has("error")) {
            finish("refuses: " + message.path("error").path("desc").asString(""));
            return;
        }
        switch (step) {
            case GREETING -> {
                if (message.has("QMP")) {
                    step = Step.CAPABILITIES;
                    send(from, "qmp_capabilities", Map.of());
                } else {
                    finish("speaks no QMP");
                }
            }
            case CAPABILITIES -> {
                step = Step.COMMAND;
                send(from, command, arguments);
            }
            case COMMAND -> finish("");
        }
    }

    private void send(UnixSocket to, String execute, Map<String, ?> with) {
        var request = Map.of("execute", execute, "arguments", with);
        var bytes = (JSON.writeValueAsString(request) + "\n").getBytes(StandardCharsets.UTF_8);
        ForeignMemory.copyFromArray(bytes, 0, scratch.address(), bytes.length);
        // The other side reads one command at a time and has room for one.
        if (to.send(scratch.address(), bytes.length) != bytes.length) {
            finish("takes no command");
        }
    }

    private void finish(String failure) {
        if (deadline != null) {
            deadline.cancel();
            deadline = null;
        }
        if (watch != null) {
            watch.close();
            watch = null;
        }
        if (socket != null) {
            socket.close();
            socket = null;
        }
        done.accept(failure.isEmpty() ? "" : "the monitor at " + path + " " + failure);
    }
}
