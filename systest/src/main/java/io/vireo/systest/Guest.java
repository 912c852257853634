package io.vireo.systest;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A stock Debian guest in QEMU. It runs from an initrd; its only disk and card are those of the
 * options it is given. Commands go over the serial console, in the protocol of systest/guest/init.
 */
public final class Guest implements AutoCloseable {
    static final String QEMU = "qemu-system-x86_64";

    private static final Duration BOOT_DEADLINE = Duration.ofSeconds(60);
    private static final Duration DEBIAN_BOOT_DEADLINE = Duration.ofMinutes(5);
    private static final Duration SHUT_DOWN_DEADLINE = Duration.ofSeconds(90);
    private static final String MARK = "@@ ";
    private static final String END = "\u0000end";

    private final Bed bed;
    private final String name;
    private final List<String> command;
    private final @Nullable Path console;
    private final Path log;
    private final Duration bootDeadline;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private @Nullable Process process;
    private @Nullable BufferedWriter input;
    private int commands;

    /**
     * Describes a guest without starting it.
     *
     * @param name its name, also of its files in the bed's folder
     * @param options QEMU's options for memory and devices
     */
    public Guest(Bed bed, String name, List<String> options) {
        this(bed, name, command(bed, name, options), null, BOOT_DEADLINE);
    }

    private Guest(
            Bed bed,
            String name,
            List<String> command,
            @Nullable Path console,
            Duration bootDeadline) {
        this.bed = bed;
        this.name = name;
        this.command = command;
        this.console = console;
        this.log = bed.run().resolve(name + ".console.log");
        this.bootDeadline = bootDeadline;
    }

    /**
     * Describes a guest that runs Debian from a disk of its own, which loses what is written to it.
     *
     * @param options QEMU's options for memory and further devices
     */
    public static Guest debian(Bed bed, String name, List<String> options) {
        var words = new ArrayList<String>();
        words.add("-drive");
        words.add("if=none,id=root,format=raw,snapshot=on,file=" + bed.debian("disk.raw"));
        words.addAll(List.of("-device", "virtio-blk-pci,drive=root"));
        words.addAll(options);
        return debianFromFirstDisk(bed, name, words);
    }

    /**
     * Describes a guest that runs the Debian of {@code systest/debian} from its first virtio disk.
     * Its kernel and initial file system are given by QEMU, since a firmware takes longer.
     *
     * @param options QEMU's options for memory and devices
     */
    public static Guest debianFromFirstDisk(Bed bed, String name, List<String> options) {
        var words = new ArrayList<>(machine(bed, name));
        words.addAll(List.of("-kernel", bed.debian("vmlinux").toString()));
        words.addAll(List.of("-initrd", bed.debian("initrd.img").toString()));
        words.addAll(
                List.of(
                        "-append",
                        "root=/dev/vda rw audit=0 systemd.show_status=false " + kernelArguments()));
        words.addAll(options);
        return new Guest(bed, name, List.copyOf(words), null, DEBIAN_BOOT_DEADLINE);
    }

    /**
     * Describes a guest that its firmware boots, from a disk with the system of {@code
     * systest/debian}.
     *
     * @param options QEMU's options for memory and devices
     */
    public static Guest fromFirmware(Bed bed, String name, List<String> options) {
        var words = new ArrayList<>(machine(bed, name));
        words.addAll(options);
        return new Guest(bed, name, List.copyOf(words), null, DEBIAN_BOOT_DEADLINE);
    }

    /** Describes a guest whose hypervisor runs in a network namespace of the host. */
    public static Guest inNamespace(Bed bed, String name, List<String> options, String namespace) {
        var words = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        words.addAll(command(bed, name, options));
        return new Guest(bed, name, List.copyOf(words), null, BOOT_DEADLINE);
    }

    /**
     * Describes a guest that another program starts.
     *
     * @param command what starts it and lives as long as it does
     * @param console Unix socket at which its serial console then listens
     */
    public static Guest startedBy(Bed bed, String name, List<String> command, Path console) {
        return new Guest(bed, name, List.copyOf(command), console, BOOT_DEADLINE);
    }

    /** The kernel's command line, without what only takes an emulated processor its time. */
    static String kernelArguments() {
        return "console=ttyS0 panic=-1 quiet no_timer_check nowatchdog net.ifnames=0 mitigations=off"
                + " 8250.nr_uarts=1";
    }

    private static List<String> command(Bed bed, String name, List<String> options) {
        var words = new ArrayList<>(machine(bed, name));
        words.addAll(List.of("-kernel", bed.kernel().toString()));
        words.addAll(List.of("-initrd", bed.initrd().toString()));
        words.addAll(List.of("-append", kernelArguments()));
        words.addAll(options);
        return List.copyOf(words);
    }

    private static List<String> machine(Bed bed, String name) {
        var words = new ArrayList<String>();
        words.add(QEMU);
        words.addAll(List.of("-M", "q35", "-smp", "1", "-nodefaults", "-display", "none"));
        words.addAll(bed.emulator().options());
        words.addAll(List.of("-no-reboot", "-serial", "stdio", "-name", name));
        words.addAll(List.of("-pidfile", bed.run().resolve(name + ".pid").toString()));
        words.addAll(List.of("-qmp", "unix:" + qmpSocket(bed, name) + ",server=on,wait=off"));
        return words;
    }

    public String name() {
        return name;
    }

    /** The words that start it, as they can be given to a shell. */
    public List<String> command() {
        return command;
    }

    /** QEMU's monitor (QMP), a Unix socket. */
    public Path qmpSocket() {
        return qmpSocket(bed, name);
    }

    private static Path qmpSocket(Bed bed, String name) {
        return bed.run().resolve(name + ".qmp");
    }

    /** Everything that its console showed. */
    public Path consoleLog() {
        return log;
    }

    /**
     * Starts it and returns when it takes commands; a boot that hangs is tried once more.
     *
     * @throws ScenarioException if it does not boot
     */
    public void start() {
        if (boots(bootDeadline.toSeconds(), TimeUnit.SECONDS)) {
            return;
        }
        close();
        if (!boots(bootDeadline.toSeconds(), TimeUnit.SECONDS)) {
            throw new ScenarioException(name + " does not boot; its console: " + log);
        }
    }

    /** Starts it as the end of a migration: its options have {@code -incoming}. */
    public void startIncoming() {
        launch();
    }

    boolean boots(long time, TimeUnit unit) {
        launch();
        long deadline = System.nanoTime() + unit.toNanos(time);
        for (String line = next(deadline); line != null; line = next(deadline)) {
            if (line.equals(END)) {
                return false;
            }
            if (line.startsWith(MARK + "ready")) {
                return true;
            }
        }
        return false;
    }

    private void launch() {
        lines.clear();
        try {
            Process started =
                    new ProcessBuilder(command)
                            .redirectError(bed.run().resolve(name + ".qemu.log").toFile())
                            .start();
            process = started;
            if (console == null) {
                attach(started.getInputStream(), started.getOutputStream());
            } else {
                var channel = connect(started, console);
                attach(Channels.newInputStream(channel), Channels.newOutputStream(channel));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private SocketChannel connect(Process started, Path socket) throws IOException {
        long deadline = System.nanoTime() + BOOT_DEADLINE.toNanos();
        while (true) {
            try {
                return SocketChannel.open(UnixDomainSocketAddress.of(socket));
            } catch (IOException e) {
                if (!started.isAlive() || System.nanoTime() > deadline) {
                    throw new ScenarioException(
                            name + " does not start: see " + bed.run().resolve(name + ".qemu.log"),
                            e);
                }
                Processes.pause(50);
            }
        }
    }

    private void attach(InputStream from, OutputStream to) {
        input = new BufferedWriter(new OutputStreamWriter(to, StandardCharsets.UTF_8));
        Thread.ofPlatform().daemon().name(name + "-console").start(() -> read(from));
    }

    private void read(InputStream from) {
        try (var console = new BufferedReader(new InputStreamReader(from, StandardCharsets.UTF_8));
                var copy = Files.newBufferedWriter(log)) {
            for (String line = console.readLine(); line != null; line = console.readLine()) {
                lines.add(line);
                copy.write(line);
                copy.newLine();
                copy.flush();
            }
        } catch (IOException e) {
            lines.add(name + ": the console is lost: " + e.getMessage());
        } finally {
            lines.add(END);
        }
    }

    private @Nullable String next(long deadline) {
        try {
            return lines.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ScenarioException(name + ": interrupted", e);
        }
    }

    /**
     * What a command came to.
     *
     * @param status exit code
     * @param output both streams, without the last line's end
     */
    public record Result(int status, String output) {}

    /**
     * Runs one line of shell in the guest.
     *
     * @throws ScenarioException if the guest ends or the time is over
     */
    public Result run(String line, Duration timeout) {
        String id = "c" + ++commands;
        send(id + " " + line);
        var output = new ArrayList<String>();
        long deadline = System.nanoTime() + timeout.toNanos();
        for (String read = next(deadline); read != null; read = next(deadline)) {
            if (read.equals(END)) {
                throw new ScenarioException(
                        name + " ended during: " + line + "\n" + String.join("\n", output));
            }
            if (read.startsWith(MARK + id + " ")) {
                String status = read.substring(MARK.length() + id.length() + 1).split(" ", 2)[0];
                return new Result(Integer.parseInt(status), String.join("\n", output).strip());
            }
            output.add(read);
        }
        throw new ScenarioException(
                "%s: no end of '%s' within %d s; so far:%n%s"
                        .formatted(name, line, timeout.toSeconds(), String.join("\n", output)));
    }

    /**
     * Runs one line of shell that must succeed, within a minute.
     *
     * @return what it printed
     * @throws ScenarioException if its exit code is not 0
     */
    public String output(String line) {
        Result result = run(line, Duration.ofMinutes(1));
        if (result.status() != 0) {
            throw new ScenarioException(
                    "%s: '%s' ended with %d:%n%s"
                            .formatted(name, line, result.status(), result.output()));
        }
        return result.output();
    }

    private void send(String text) {
        BufferedWriter console = input;
        if (console == null) {
            throw new ScenarioException(name + " has not been started");
        }
        try {
            console.write(text);
            console.newLine();
            console.flush();
        } catch (IOException e) {
            throw new ScenarioException(name + " takes no command: " + e.getMessage(), e);
        }
    }

    /**
     * Has its system shut down and returns when QEMU has ended.
     *
     * @throws ScenarioException if it does not end
     */
    public void shutDown() {
        Process running = process;
        if (running == null) {
            throw new ScenarioException(name + " has not been started");
        }
        send("off systemctl poweroff");
        if (!Processes.ended(running, SHUT_DOWN_DEADLINE)) {
            throw new ScenarioException(name + " does not shut down; its console: " + log);
        }
        process = null;
    }

    /** Ends QEMU as a loss of power would; does nothing if it has ended. */
    public void kill() {
        Process running = process;
        process = null;
        if (running != null) {
            Processes.kill(running);
        }
    }

    /** Ends QEMU; does nothing if it has ended. */
    @Override
    public void close() {
        Process running = process;
        if (running == null) {
            return;
        }
        process = null;
        Processes.end(running, Duration.ofSeconds(5));
    }
}
