package io.vireo.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A process under measurement, in a session of its own so that the scheduler's autogroup can favour
 * it, and controlled through its standard input and output. It ends with this virtual machine at
 * the latest.
 */
final class MeasuredProcess implements AutoCloseable {
    private static final int KEPT_LINES = 2000;
    private static final int QUOTED_LINES = 6;

    // Of an autogroup, as nice(1) counts.
    private static final String HIGHEST = "-20";
    private static final String NORMAL = "0";

    private final String name;
    private final Process process;
    private final Deque<String> lines = new ArrayDeque<>();
    private final Deque<String> lastLines = new ArrayDeque<>();
    private final Thread hook = new Thread(this::kill);
    private boolean ended;

    MeasuredProcess(String name, List<String> command, Map<String, String> environment) {
        this.name = name;
        var sessionCommand = new ArrayList<>(List.of("setsid"));
        sessionCommand.addAll(command);
        var builder = new ProcessBuilder(sessionCommand).redirectErrorStream(true);
        builder.environment().putAll(environment);
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new BenchException("Cannot start " + name + " (" + command.getFirst() + ").", e);
        }
        Runtime.getRuntime().addShutdownHook(hook);
        // A thread of the platform: a virtual one that waits for a pipe keeps its carrier, and
        // there
        // are as few of them as cores.
        Thread.ofPlatform().daemon().name(name + "-output").start(this::read);
    }

    long pid() {
        return process.pid();
    }

    private void read() {
        try (var reader = process.inputReader(StandardCharsets.ISO_8859_1)) {
            for (var line = reader.readLine(); line != null; line = reader.readLine()) {
                store(line);
            }
        } catch (IOException e) {
            store("(output lost: " + e.getMessage() + ")");
        }
        end();
    }

    private synchronized void store(String line) {
        if (lines.size() == KEPT_LINES) {
            lines.removeFirst();
        }
        lines.addLast(line);
        if (lastLines.size() == QUOTED_LINES) {
            lastLines.removeFirst();
        }
        lastLines.addLast(line);
        notifyAll();
    }

    private synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** Forgets what the process has said so far and sends it a line. */
    void send(String line) {
        synchronized (this) {
            lines.clear();
        }
        try {
            var out = process.outputWriter();
            out.write(line);
            out.write('\n');
            out.flush();
        } catch (IOException e) {
            throw new BenchException(name + " does not take commands any more: " + tail(), e);
        }
    }

    /** Waits for a line in which {@code pattern} is found, and drops all up to it. */
    synchronized Matcher await(Pattern pattern, double seconds) {
        var deadline = System.nanoTime() + (long) (seconds * 1e9);
        try {
            while (true) {
                while (!lines.isEmpty()) {
                    var matcher = pattern.matcher(lines.removeFirst());
                    if (matcher.find()) {
                        return matcher;
                    }
                }
                var left = (deadline - System.nanoTime()) / 1_000_000;
                if (ended || left <= 0) {
                    throw new BenchException(
                            name
                                    + (ended ? " ended" : " did not answer in " + seconds + " s")
                                    + " while waiting for \""
                                    + pattern
                                    + "\": "
                                    + tail());
                }
                wait(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("The benchmark was interrupted.", e);
        }
    }

    /** The last that the process said, for a message. */
    synchronized String tail() {
        return lastLines.isEmpty() ? "it said nothing." : String.join(" | ", lastLines);
    }

    boolean alive() {
        return process.isAlive();
    }

    /**
     * Gives the process's session precedence over the other sessions of this machine, where
     * autogroups are on.
     */
    void favour() {
        nice(Path.of("/proc/" + pid() + "/autogroup"), HIGHEST);
    }

    /** Gives this process's own session precedence over the others, or takes it back. */
    static void favourSelf(boolean precedence) {
        nice(Path.of("/proc/self/autogroup"), precedence ? HIGHEST : NORMAL);
    }

    private static void nice(Path autogroup, String value) {
        try {
            if (Files.exists(autogroup)) {
                Files.writeString(autogroup, value);
            }
        } catch (IOException e) {
            Progress.say("no precedence for " + autogroup + ": " + e.getMessage());
        }
    }

    void pause() {
        signal("-STOP");
    }

    void resume() {
        signal("-CONT");
    }

    private void signal(String signal) {
        try {
            new ProcessBuilder("kill", signal, Long.toString(pid())).start().waitFor();
        } catch (IOException e) {
            throw new BenchException("Cannot signal " + name + ".", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("The benchmark was interrupted.", e);
        }
    }

    private void kill() {
        process.destroyForcibly();
    }

    /** Ends the process, stopped or not: politely, and after 2 s by force. */
    @Override
    public void close() {
        process.destroy();
        resume();
        try {
            if (!process.waitFor(2, TimeUnit.SECONDS)) {
                kill();
                process.waitFor();
            }
        } catch (InterruptedException e) {
            kill();
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().removeShutdownHook(hook);
    }
}
