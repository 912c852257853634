package io.vireo.device.virtio.net;

import io.vireo.device.virtio.net.Coalescing.Parameters;
import io.vireo.memory.NativeMemory;
import io.vireo.reactor.Reactor;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.Reader;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.Writer;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A running control queue (VIRTIO 1.3, 5.1.6.5): decodes commands and has the card carry them out.
 * A command that is unknown, was not negotiated or says nonsense gets VIRTIO_NET_ERR and changes
 * nothing. On the card's reactor, when the driver kicks.
 */
final class ControlQueue {
    private static final byte OK = 0;
    private static final byte ERROR = 1;

    private static final int BATCH = 16;

    /** Batches in one turn; the others on the reactor have theirs in between. */
    private static final int BATCHES = 4;

    private static final int HEADER = 2;

    /** Longer than any command that can succeed: two lists of addresses. */
    private static final int COMMAND_MAX =
            HEADER + 2 * (Integer.BYTES + 6 * ReceiveFilter.ADDRESSES_MAX);

    private static final byte[] NOTHING = {};
    private static final byte[] REFUSED = {};

    // VIRTIO_NET_CTRL_*: classes
    private static final int RX = 0;
    private static final int MAC = 1;
    private static final int VLAN = 2;
    private static final int ANNOUNCE = 3;
    private static final int MQ = 4;
    private static final int GUEST_OFFLOADS = 5;
    private static final int NOTF_COAL = 6;

    final Virtqueue queue;

    private final CardSettings settings;
    private final Reactor reactor;
    private final ChainBatch batch;
    private final Reader reader = new Reader();
    private final Writer writer = new Writer();
    private boolean stopped;

    ControlQueue(CardSettings settings, Reactor reactor, Virtqueue queue) {
        this.settings = settings;
        this.reactor = reactor;
        this.queue = queue;
        batch = new ChainBatch(BATCH, queue.size());
    }

    /** Serves what is there, in several turns if it is much. */
    void serve() {
        boolean more = true;
        try {
            more = turn();
        } finally {
            // After a memory fault too, which another guest's memory may have caused.
            if (more && !stopped) {
                reactor.execute(this::serve);
            }
        }
    }

    /** Ends it; what is not answered is given back. */
    void stop() {
        stopped = true;
        queue.rewind(queue.inFlight());
        queue.flush();
    }

    /** Returns whether there may be more. */
    private boolean turn() {
        if (stopped) {
            return false;
        }
        // What a memory fault cut off: to be done once more, which changes nothing.
        queue.rewind(queue.inFlight());
        for (int n = 0; n < BATCHES; n++) {
            batch.clear();
            int popped = queue.pop(batch, BATCH);
            for (int i = 0; i < popped; i++) {
                answer(i);
            }
            queue.flush();
            if (popped == 0) {
                return !queue.arm();
            }
        }
        return true;
    }

    private void answer(int i) {
        writer.reset(batch, i);
        if (writer.remaining() > 0) {
            byte[] result = execute(i);
            if (result == REFUSED) {
                settings.refused();
                writer.putByte(ERROR);
            } else {
                writer.putByte(OK);
                writer.copyFrom(result, 0, result.length);
            }
        }
        queue.push(batch.head[i], (int) writer.written());
    }

    /** Returns what follows the acknowledgement, or {@link #REFUSED}. */
    private byte[] execute(int i) {
        reader.reset(batch, i);
        long length = reader.remaining();
        if (length < HEADER || length > COMMAND_MAX) {
            return REFUSED;
        }
        var bytes = new byte[(int) length];
        reader.copyTo(bytes, 0, bytes.length);
        // What would be carried out is no command if its memory was gone.
        NativeMemory.settle();
        var data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int type = Byte.toUnsignedInt(data.get());
        int command = Byte.toUnsignedInt(data.get());
        try {
            if (type == NOTF_COAL && command == 3) {
                return coalescing(data, writer.remaining() - 1);
            }
            return execute(type, command, data) ? NOTHING : REFUSED;
        } catch (BufferUnderflowException e) {
            return REFUSED;
        }
    }

    private boolean execute(int type, int command, ByteBuffer data) {
        return switch (type) {
            case RX -> mode(command, data);
            case MAC ->
                    switch (command) {
                        case 0 -> addresses(data);
                        case 1 -> address(data);
                        default -> false;
                    };
            case VLAN -> vlan(command, data);
            case ANNOUNCE -> command == 0 && !data.hasRemaining() && settings.acknowledgeAnnounce();
            case MQ ->
                    switch (command) {
                        case 0 -> pairs(data);
                        case 1 -> settings.steer(data);
                        case 2 -> settings.reportHash(data);
                        default -> false;
                    };
            case GUEST_OFFLOADS -> command == 0 && offloads(data);
            case NOTF_COAL -> coalesce(command, data);
            default -> false;
        };
    }

    private boolean mode(int command, ByteBuffer data) {
        int on = data.get();
        return !data.hasRemaining() && (on & ~1) == 0 && settings.filter().mode(command, on == 1);
    }

    private boolean addresses(ByteBuffer data) {
        long[] unicast = list(data);
        long[] multicast = list(data);
        return !data.hasRemaining() && settings.filter().addresses(unicast, multicast);
    }

    private static long[] list(ByteBuffer data) {
        int count = data.getInt();
        if (count < 0 || count > ReceiveFilter.ADDRESSES_MAX) {
            throw new BufferUnderflowException();
        }
        var list = new long[count];
        for (int i = 0; i < count; i++) {
            list[i] = ReceiveFilter.number(data);
        }
        return list;
    }

    private boolean address(ByteBuffer data) {
        var octets = new byte[6];
        data.get(octets);
        return !data.hasRemaining() && settings.address(octets);
    }

    private boolean vlan(int command, ByteBuffer data) {
        int vlan = Short.toUnsignedInt(data.getShort());
        return !data.hasRemaining() && command <= 1 && settings.filter().vlan(vlan, command == 0);
    }

    private boolean pairs(ByteBuffer data) {
        int pairs = Short.toUnsignedInt(data.getShort());
        return !data.hasRemaining() && settings.usePairs(pairs);
    }

    private boolean offloads(ByteBuffer data) {
        long offloads = data.getLong();
        return !data.hasRemaining() && settings.guestOffloads(offloads);
    }

    private boolean coalesce(int command, ByteBuffer data) {
        int queueIndex = -1;
        if (command == 2) {
            queueIndex = Short.toUnsignedInt(data.getShort());
            data.getShort();
        }
        int packets = data.getInt();
        var parameters = new Parameters(packets, data.getInt());
        if (data.hasRemaining()) {
            return false;
        }
        return switch (command) {
            case 0 -> settings.coalesceAll(false, parameters);
            case 1 -> settings.coalesceAll(true, parameters);
            case 2 -> settings.coalesce(queueIndex, parameters);
            default -> false;
        };
    }

    /** VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET. */
    private byte[] coalescing(ByteBuffer data, long room) {
        int queueIndex = Short.toUnsignedInt(data.getShort());
        data.getShort();
        var parameters = settings.coalescing(queueIndex);
        if (data.hasRemaining() || parameters.isEmpty() || room < Long.BYTES) {
            return REFUSED;
        }
        return ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(parameters.get().packets())
                .putInt(parameters.get().micros())
                .array();
    }
}
