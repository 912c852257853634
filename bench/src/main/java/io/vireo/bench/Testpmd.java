package io.vireo.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** DPDK's testpmd with two ports on one core, driven through its prompt. */
final class Testpmd {
    private static final Pattern READY = Pattern.compile("Checking link statuses");
    private static final Pattern DONE = Pattern.compile("^Done");
    private static final Pattern RATE = Pattern.compile("Rx-pps:\\s+(\\d+)");
    private static final Pattern STARTED = Pattern.compile("nb forwarding cores=");
    private static final double PATIENCE_SECONDS = 60;

    private final MeasuredProcess process;

    private Testpmd(String name, int core, List<String> devices, List<String> options) {
        var command = new ArrayList<>(List.of("stdbuf", "-oL", "dpdk-testpmd"));
        command.addAll(List.of("--lcores", "0@" + core + ",1@" + core, "--no-pci", "--in-memory"));
        command.addAll(List.of("--file-prefix", name, "--single-file-segments", "-m", "256"));
        for (var device : devices) {
            command.addAll(List.of("--vdev", device));
        }
        command.addAll(List.of("--", "-i", "--nb-cores=1", "--total-num-mbufs=16384"));
        command.addAll(options);
        process = new MeasuredProcess(name, command, Map.of());
        try {
            process.await(READY, PATIENCE_SECONDS);
            process.await(DONE, PATIENCE_SECONDS);
        } catch (BenchException e) {
            process.close();
            throw e;
        }
        process.favour();
    }

    /** The peer: two vhost-user ports, which it listens for at {@code sockets}. */
    static Testpmd backEnd(String name, int core, List<Path> sockets) {
        var devices = new ArrayList<String>();
        for (var i = 0; i < sockets.size(); i++) {
            devices.add("net_vhost" + i + ",iface=" + sockets.get(i) + ",queues=1");
        }
        return new Testpmd(name, core, devices, List.of());
    }

    /**
     * The driver's side and generator: two virtio-user ports.
     *
     * <p>What leaves a port carries that port's own address as source and the other port's as
     * destination, in both forwarding modes: {@code tx_first} and {@code mac} write the port's
     * address and its {@code --eth-peer}, and in {@code io} a frame comes back to the port that it
     * left first. So a switch learns each address at one port and finds every destination.
     */
    static Testpmd frontEnd(
            String name, int core, List<Path> sockets, List<String> macs, boolean packed) {
        var devices = new ArrayList<String>();
        for (var i = 0; i < sockets.size(); i++) {
            devices.add(
                    "net_virtio_user"
                            + i
                            + ",path="
                            + sockets.get(i)
                            + ",queues=1,queue_size=1024,packed_vq="
                            + (packed ? 1 : 0)
                            + ",mac="
                            + macs.get(i));
        }
        return new Testpmd(
                name,
                core,
                devices,
                List.of("--eth-peer=0," + macs.get(1), "--eth-peer=1," + macs.get(0)));
    }

    /** Forwards whatever comes in at one port out of the other. */
    void forward() {
        process.send("set fwd io");
        start("start");
    }

    /**
     * Puts bursts of {@code size}-byte frames on the way and forwards them for ever, in {@code
     * mode}.
     */
    void generate(String mode, int size) {
        process.send("set fwd " + mode);
        process.send("set txpkts " + size);
        start("start tx_first " + (size > 512 ? 16 : 32));
    }

    /** Ends {@link #generate} and swallows the frames that are still on the way. */
    void drain() {
        stop();
        process.send("set fwd rxonly");
        start("start");
        Progress.sleep(0.3);
        stop();
    }

    private void start(String command) {
        process.send(command);
        process.await(STARTED, PATIENCE_SECONDS);
    }

    private void stop() {
        process.send("stop");
        process.await(DONE, PATIENCE_SECONDS);
    }

    /**
     * Million frames received each second by both ports together since the last call. Testpmd takes
     * the time itself, so that it does not matter when the answer is read.
     */
    double millionFramesPerSecond() {
        process.send("show port stats all");
        var first = Double.parseDouble(process.await(RATE, PATIENCE_SECONDS).group(1));
        var second = Double.parseDouble(process.await(RATE, PATIENCE_SECONDS).group(1));
        return (first + second) / 1e6;
    }

    MeasuredProcess process() {
        return process;
    }
}
