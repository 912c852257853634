package io.vireo.device.virtio.scsi;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.ScatterGatherList;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Writes responses of request queues (VIRTIO 1.3, 5.6.6.1). By stores of whole words out of
 * registers where the driver has a response in one piece, as all do: whoever puts it together in an
 * array first loads what was stored there a moment ago in smaller pieces, and that load waits until
 * all stores before it are done, those to the other responses too, whose cache lines the driver's
 * core has.
 */
final class ResponseWriter {
    private static final int STATUS_AT = Long.BYTES;
    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final int senseSize;
    private final byte[] pieces;

    /**
     * @param senseSize bytes that the driver has for sense data
     */
    ResponseWriter(int senseSize) {
        this.senseSize = senseSize;
        pieces = new byte[ScsiProtocol.RESPONSE_HEADER + senseSize];
    }

    /** Bytes that a chain has for a response: its header and the room for sense data. */
    int size() {
        return pieces.length;
    }

    /**
     * Writes a response. Without data behind it the used length can end where the sense data does,
     * and what is beyond is left alone: a driver makes nothing of it (VIRTIO 1.3, 2.7.8.2), and two
     * cache lines less go from its core to this one.
     *
     * @param to of {@link #size} bytes
     * @param residual bytes of data that were not transferred
     * @param sense sense data
     * @param senseLength bytes of it; what the driver has no room for is left out
     * @param data bytes of data that the chain has after the response
     * @return how many bytes of the chain were written, the data included
     */
    int write(
            ScatterGatherList to,
            byte response,
            byte status,
            long residual,
            byte[] sense,
            int senseLength,
            int data) {
        int length = Math.min(senseLength, senseSize);
        long head = residual << Integer.SIZE | length;
        int tail = (status & 0xFF) << 16 | response << 24;
        int end = ScsiProtocol.RESPONSE_HEADER + (data > 0 ? senseSize : length);
        if (to.count() == 1) {
            write(to.address(0), head, tail, sense, length, end);
        } else {
            writePieces(to, head, tail, sense, length, end);
        }
        return end + data;
    }

    private void write(long to, long head, int tail, byte[] sense, int length, int bytes) {
        NativeMemory.putLong(to, head);
        NativeMemory.putInt(to + STATUS_AT, tail);
        long at = to + ScsiProtocol.RESPONSE_HEADER;
        long end = to + bytes;
        if (length > 0) {
            NativeMemory.copyFromArray(sense, 0, at, length);
            at += length;
        }
        for (; at + Long.BYTES <= end; at += Long.BYTES) {
            NativeMemory.putLong(at, 0);
        }
        for (; at < end; at++) {
            NativeMemory.putByte(at, (byte) 0);
        }
    }

    private void writePieces(
            ScatterGatherList to, long head, int tail, byte[] sense, int length, int bytes) {
        LONGS.set(pieces, 0, head);
        INTS.set(pieces, STATUS_AT, tail);
        System.arraycopy(sense, 0, pieces, ScsiProtocol.RESPONSE_HEADER, length);
        Arrays.fill(pieces, ScsiProtocol.RESPONSE_HEADER + length, bytes, (byte) 0);
        int at = 0;
        for (int i = 0; at < bytes; i++) {
            int piece = Math.min(to.length(i), bytes - at);
            NativeMemory.copyFromArray(pieces, at, to.address(i), piece);
            at += piece;
        }
    }
}
