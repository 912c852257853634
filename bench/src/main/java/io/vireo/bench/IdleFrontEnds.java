package io.vireo.bench;

import io.vireo.linux.ErrnoException;
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

    private IdleFrontEnds() {}

    /** Takes the sockets of vNICs and vDisks, which their names tell apart. */
    public static void main(String[] arguments) throws IOException {
        var open = new ArrayList<AutoCloseable>();
        try {
            for (var argument : arguments) {
                var socket = Path.of(argument);
                var isNet = socket.getFileName().toString().startsWith(Resources.NIC);
                open.addAll(isNet ? startNet(socket) : startBlk(socket));
            }
        } catch (ErrnoException e) {
            throw new BenchException("Cannot connect: " + e.getMessage(), e);
        }
        System.out.println(CONNECTED + " " + arguments.length);
        while (System.in.read() >= 0) {
            // The benchmark ends us by closing our input.
        }
        System.out.println("ending with " + open.size() + " objects open");
    }

    private static List<AutoCloseable> startNet(Path socket) throws ErrnoException {
        var ringBytes = DriverRing.footprint(RING_SIZE);
        var memory = DriverMemory.create(2 * ringBytes + (long) RING_SIZE * RECEIVE_BUFFER);
        var wanted =
                F_NET_MAC
                        | F_NET_MRG_RXBUF
                        | F_NET_STATUS
                        | FrontEnd.F_EVENT_IDX
                        | FrontEnd.F_INDIRECT_DESC;
        var frontEnd = new FrontEnd(socket, memory, wanted);
        var eventIdx = frontEnd.negotiated(FrontEnd.F_EVENT_IDX);
        var receive = new DriverRing(memory, 0, RING_SIZE, eventIdx);
        var transmit = new DriverRing(memory, ringBytes, RING_SIZE, eventIdx);
        var kick = frontEnd.start(0, receive);
        frontEnd.start(1, transmit);
        for (var i = 0; i < RING_SIZE; i++) {
            var buffer = 2 * ringBytes + (long) i * RECEIVE_BUFFER;
            receive.describe(i, buffer, RECEIVE_BUFFER, DriverRing.WRITE, 0);
            receive.offer(i);
        }
        receive.publish(kick);
        return List.of(frontEnd, memory);
    }

    private static List<AutoCloseable> startBlk(Path socket) throws ErrnoException {
        var memory = DriverMemory.create(DriverRing.footprint(RING_SIZE));
        var wanted = F_BLK_FLUSH | FrontEnd.F_EVENT_IDX | FrontEnd.F_INDIRECT_DESC;
        var frontEnd = new FrontEnd(socket, memory, wanted);
        var ring = new DriverRing(memory, 0, RING_SIZE, frontEnd.negotiated(FrontEnd.F_EVENT_IDX));
        frontEnd.start(0, ring);
        return List.of(frontEnd, memory);
    }
}
