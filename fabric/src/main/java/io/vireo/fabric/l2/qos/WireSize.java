package io.vireo.fabric.l2.qos;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;

/**
 * How many bytes a frame is on a wire: from the destination address to the frame check sequence, 64
 * at least (IEEE 802.3, 3.1.1 and 3.2.8), its VLAN tag as it was received. A frame that is to be
 * segmented is the frames that it becomes, each with headers of its own.
 */
public final class WireSize {
    /** Preamble, start frame delimiter and the gap to the next frame (IEEE 802.3, 3.1.1, 4.4.2). */
    public static final int BETWEEN_FRAMES = 20;

    private static final int CHECK_SEQUENCE = 4;
    private static final int LEAST = 64;
    private static final int TCP_DATA_OFFSET = 12;
    private static final int TCP_HEADER = 20;
    private static final int UDP_HEADER = 8;

    private WireSize() {}

    /** Frames that frame {@code index} of a batch is on the wire. */
    public static int packets(FrameBatch batch, int index) {
        long offload = batch.offload[index];
        int size = Offload.gsoSize(offload);
        if (Offload.gsoType(offload) == Offload.GSO_NONE || size == 0) {
            return 1;
        }
        int payload = batch.length[index] - headers(batch, index, offload);
        return payload <= size ? 1 : (payload + size - 1) / size;
    }

    /**
     * Bytes of frame {@code index} of a batch.
     *
     * @param packets what {@link #packets} said
     */
    public static long bytes(FrameBatch batch, int index, int packets) {
        int length = batch.length[index];
        if (packets == 1) {
            return Math.max(length + CHECK_SEQUENCE, LEAST);
        }
        long offload = batch.offload[index];
        int headers = headers(batch, index, offload);
        int last = length - (packets - 1) * Offload.gsoSize(offload) + CHECK_SEQUENCE;
        return length
                + (packets - 1L) * headers
                + (long) packets * CHECK_SEQUENCE
                + Math.max(LEAST - last, 0);
    }

    /**
     * Bytes before the payload that is cut. What the sender claims of it is not believed: nobody
     * cuts behind longer headers than a snapshot holds.
     */
    private static int headers(FrameBatch batch, int index, long offload) {
        int start = Math.min(Offload.checksumStart(offload), FrameBatch.HEADER_MAX);
        int type = Offload.gsoType(offload);
        if (type != Offload.GSO_TCPV4 && type != Offload.GSO_TCPV6) {
            return start + UDP_HEADER;
        }
        if (start + TCP_DATA_OFFSET >= batch.headerLength[index]) {
            return start + TCP_HEADER;
        }
        byte offset = NativeMemory.getByte(batch.header(index) + start + TCP_DATA_OFFSET);
        return start + Math.max((offset >> 4 & 0xF) * 4, TCP_HEADER);
    }
}
