package io.vireo.bench;

import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Eventfd;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.UnixSocket;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The driver's end of a vhost-user connection ("front end" in the vhost-user protocol), as a
 * hypervisor would be, but without a guest. Each request that the protocol lets be acknowledged is,
 * so that an error shows where it happens.
 */
final class FrontEnd implements AutoCloseable {
    static final long F_VERSION_1 = 1L << 32;
    static final long F_PROTOCOL_FEATURES = 1L << 30;
    static final long F_EVENT_IDX = 1L << 29;
    static final long F_INDIRECT_DESC = 1L << 28;

    private static final int GET_FEATURES = 1;
    private static final int SET_FEATURES = 2;
    private static final int SET_OWNER = 3;
    private static final int SET_MEM_TABLE = 5;
    private static final int SET_VRING_NUM = 8;
    private static final int SET_VRING_ADDR = 9;
    private static final int SET_VRING_BASE = 10;
    private static final int SET_VRING_KICK = 12;
    private static final int SET_VRING_CALL = 13;
    private static final int GET_PROTOCOL_FEATURES = 15;
    private static final int SET_PROTOCOL_FEATURES = 16;
    private static final int SET_VRING_ENABLE = 18;
    private static final int GET_CONFIG = 24;

    private static final long PROTOCOL_MQ = 1;
    private static final long PROTOCOL_REPLY_ACK = 1L << 3;
    private static final long PROTOCOL_CONFIG = 1L << 9;

    private static final int VERSION = 1;
    private static final int NEED_REPLY = 1 << 3;
    private static final int HEADER = 12;
    private static final int BUFFER = 4096;
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    private final String name;
    private final UnixSocket socket;
    private final DriverMemory memory;
    private final Arena arena = Arena.ofAuto();
    private final long buffer = arena.allocate(BUFFER, 8).address();
    private final List<Eventfd> eventfds = new ArrayList<>();
    private long features;
    private boolean acknowledging;

    /** Connects and negotiates those of {@code wanted} that the back end offers. */
    FrontEnd(Path path, DriverMemory memory, long wanted) throws ErrnoException {
        this.name = path.getFileName().toString();
        this.memory = memory;
        this.socket = UnixSocket.connect(path);
        negotiate(wanted);
        shareMemory();
    }

    private void negotiate(long wanted) {
        var offered = ask(GET_FEATURES);
        features = offered & (wanted | F_VERSION_1 | F_PROTOCOL_FEATURES);
        if ((features & F_VERSION_1) == 0 || (features & F_PROTOCOL_FEATURES) == 0) {
            throw new BenchException(name + " offers neither VERSION_1 nor protocol features.");
        }
        var protocol = ask(GET_PROTOCOL_FEATURES);
        var chosen = protocol & (PROTOCOL_MQ | PROTOCOL_REPLY_ACK | PROTOCOL_CONFIG);
        tell(SET_PROTOCOL_FEATURES, chosen);
        acknowledging = (chosen & PROTOCOL_REPLY_ACK) != 0;
        send(SET_OWNER, 0, new int[0]);
        tell(SET_FEATURES, features);
    }

    private void shareMemory() {
        ForeignMemory.putInt(payload(0), 1);
        ForeignMemory.putInt(payload(4), 0);
        ForeignMemory.putLong(payload(8), 0);
        ForeignMemory.putLong(payload(16), memory.size());
        ForeignMemory.putLong(payload(24), memory.address(0));
        ForeignMemory.putLong(payload(32), 0);
        send(SET_MEM_TABLE, 40, new int[] {memory.fd().number()});
    }

    boolean negotiated(long feature) {
        return (features & feature) != 0;
    }

    /**
     * Reads the 64-bit field at the start of the device's configuration: for a disk, its capacity
     * in sectors.
     */
    long configuration() {
        ForeignMemory.putInt(payload(0), 0);
        ForeignMemory.putInt(payload(4), 8);
        ForeignMemory.putInt(payload(8), 0);
        ForeignMemory.putLong(payload(12), 0);
        transmit(GET_CONFIG, 0, 20, new int[0]);
        receive(GET_CONFIG, 20);
        return ForeignMemory.getLong(payload(12));
    }

    /** Hands a ring over to the back end and enables it. Returns the eventfd that kicks it. */
    Eventfd start(int index, DriverRing ring) throws ErrnoException {
        var kick = Eventfd.create();
        var call = Eventfd.create();
        eventfds.add(kick);
        eventfds.add(call);
        vring(SET_VRING_NUM, index, ring.size());
        vring(SET_VRING_BASE, index, 0);
        ForeignMemory.putInt(payload(0), index);
        ForeignMemory.putInt(payload(4), 0);
        ForeignMemory.putLong(payload(8), ring.descriptorTable());
        ForeignMemory.putLong(payload(16), ring.usedRing());
        ForeignMemory.putLong(payload(24), ring.availableRing());
        ForeignMemory.putLong(payload(32), 0);
        send(SET_VRING_ADDR, 40, new int[0]);
        ForeignMemory.putLong(payload(0), index);
        send(SET_VRING_CALL, 8, new int[] {call.fd().number()});
        ForeignMemory.putLong(payload(0), index);
        send(SET_VRING_KICK, 8, new int[] {kick.fd().number()});
        vring(SET_VRING_ENABLE, index, 1);
        return kick;
    }

    private void vring(int request, int index, int value) {
        ForeignMemory.putInt(payload(0), index);
        ForeignMemory.putInt(payload(4), value);
        send(request, 8, new int[0]);
    }

    private void tell(int request, long value) {
        ForeignMemory.putLong(payload(0), value);
        send(request, 8, new int[0]);
    }

    private long ask(int request) {
        transmit(request, 0, 0, new int[0]);
        receive(request, 8);
        return ForeignMemory.getLong(payload(0));
    }

    private void send(int request, int size, int[] fds) {
        transmit(request, acknowledging ? NEED_REPLY : 0, size, fds);
        if (acknowledging) {
            receive(request, 8);
            if (ForeignMemory.getLong(payload(0)) != 0) {
                throw new BenchException(name + " refused vhost-user request " + request + ".");
            }
        }
    }

    private long payload(int offset) {
        return buffer + HEADER + offset;
    }

    private void transmit(int request, int flags, int size, int[] fds) {
        ForeignMemory.putInt(buffer, request);
        ForeignMemory.putInt(buffer + 4, VERSION | flags);
        ForeignMemory.putInt(buffer + 8, size);
        var sent = socket.sendmsg(buffer, HEADER + size, fds, fds.length);
        if (sent != HEADER + size) {
            throw new BenchException(
                    name + " did not take vhost-user request " + request + ": " + sent + ".");
        }
    }

    private void receive(int request, int size) {
        fill(0, HEADER);
        var reply = ForeignMemory.getInt(buffer);
        var length = ForeignMemory.getInt(buffer + 8);
        if (reply != request || length < size || length > BUFFER - HEADER) {
            throw new BenchException(
                    name
                            + " answered request "
                            + request
                            + " by "
                            + reply
                            + " of "
                            + length
                            + " bytes.");
        }
        fill(HEADER, length);
    }

    private void fill(int offset, int length) {
        var deadline = System.nanoTime() + PATIENCE_NANOS;
        for (var have = 0; have < length; ) {
            var got = socket.recvmsg(buffer + offset + have, length - have, new int[0]);
            if (got > 0) {
                have += got;
            } else if (got == -Errno.EAGAIN && System.nanoTime() < deadline) {
                Progress.sleep(0.001);
            } else {
                throw new BenchException(
                        name + " does not answer vhost-user requests: " + got + ".");
            }
        }
    }

    @Override
    public void close() {
        socket.close();
        eventfds.forEach(Eventfd::close);
    }
}
