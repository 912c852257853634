package io.vireo.bench;

import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A process that stands for many servers that do nothing: it connects to vNICs and vDisks, starts
 * their rings, posts receive buffers as a driver would, and waits for the end of its input.
 *
 * <p>A process of its own, so that only the daemon's cost is counted.
 */
public final class IdleFrontEnds {
    static final String CONNECTED = "connected";

    private static final long F_NET_MAC = 1L << 5;
    private static final long F_NET_MRG_RXBUF = 1L << 15;
    private static final long F_NET_STATUS = 1L << 16;
    private static final long F_BLK_FLUSH = 1L << 9;
    private static final int RING_SIZE = 256;
    private static final int RECEIVE_BUFFER = 2048;

    /** More than a ring takes up. */
    private static final int RING_BYTES = 16 * 1024;

    private IdleFrontEnds() {}

    /** Takes the sockets of vNICs and vDisks, which their names tell apart. */
    public static void main(String[] arguments) throws IOException {
        var open = new ArrayList<AutoCloseable>();
        for (var argument : arguments) {
            var socket = Path.of(argument);
            var isNet = socket.getFileName().toString().startsWith(Resources.NIC);
            open.addAll(isNet ? startNet(socket) : startBlk(socket));
        }
        System.out.println(CONNECTED + " " + arguments.length);
        while (System.in.read() >= 0) {
            // The benchmark ends us by closing our input.
        }
        System.out.println("ending with " + open.size() + " objects open");
    }

    private static List<AutoCloseable> startNet(Path socket) {
        var memory = new DriverMemory(2 * RING_BYTES + (long) RING_SIZE * RECEIVE_BUFFER);
        var session = FrontEnds.open(socket, memory, F_NET_MAC | F_NET_MRG_RXBUF | F_NET_STATUS);
        var receive = session.start(0, RING_SIZE);
        session.start(1, RING_SIZE);
        var buffers = memory.allocate((long) RING_SIZE * RECEIVE_BUFFER, RECEIVE_BUFFER);
        for (var i = 0; i < RING_SIZE; i++) {
            receive.queue().addWritable(buffers + (long) i * RECEIVE_BUFFER, RECEIVE_BUFFER);
        }
        receive.queue().disarm();
        VhostUserSession.publish(receive);
        return List.of(session, memory);
    }

    private static List<AutoCloseable> startBlk(Path socket) {
        var memory = new DriverMemory(RING_BYTES);
        var session = FrontEnds.open(socket, memory, F_BLK_FLUSH);
        session.start(0, RING_SIZE);
        return List.of(session, memory);
    }
}
