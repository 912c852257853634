package io.vireo.device.virtio.scsi;

import io.vireo.memory.NativeMemory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Writes responses of request queues (VIRTIO 1.3, 5.6.6.1). Where the driver has a response in one
 * piece, as all do, it is not put together in an array first: whoever does that loads what was
 * stored there a moment ago in smaller pieces, and that load waits until all stores before it are
 * done, those to the other responses too, whose cache lines the driver's core has. And by few wide
 * stores: each takes up a place in the store buffer until its line has come. When all went well a
 * response is zeroes throughout.
 */
final class ResponseWriter {
    private static final int STATUS_AT = Long.BYTES;
    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final int senseSize;
    private final byte[] pieces;
    private final byte[] zeroes;

    /**
     * @param senseSize bytes that the driver has for sense data
     */
    ResponseWriter(int senseSize) {
        this.senseSize = senseSize;
        pieces = new byte[ScsiProtocol.RESPONSE_HEADER + senseSize];
        zeroes = new byte[pieces.length];
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
     * @param to the request: where the response goes, and its sense data
     * @param residual bytes of data that were not transferred
     * @param senseLength bytes of sense data; what the driver has no room for is left out
     * @param data bytes of data that the chain has after the response
     * @return how many bytes of the chain were written, the data included
     */
    int write(
            RequestSlot to, byte response, byte status, long residual, int senseLength, int data) {
        int length = Math.min(senseLength, senseSize);
        long head = residual << Integer.SIZE | length;
        int tail = (status & 0xFF) << 16 | response << 24;
        int end = ScsiProtocol.RESPONSE_HEADER + (data > 0 ? senseSize : length);
        if (to.responseAt == 0) {
            writePieces(to, head, tail, length, end);
        } else if (head == 0 && tail == 0) {
            NativeMemory.copyFromArray(zeroes, 0, to.responseAt, end);
        } else {
            write(to, head, tail, length, end);
        }
        return end + data;
    }

    private void write(RequestSlot to, long head, int tail, int length, int bytes) {
        long at = to.responseAt;
        NativeMemory.putLong(at, head);
        NativeMemory.putInt(at + STATUS_AT, tail);
        at += ScsiProtocol.RESPONSE_HEADER;
        NativeMemory.copyFromArray(to.task.sense(), 0, at, length);
        int unused = bytes - ScsiProtocol.RESPONSE_HEADER - length;
        NativeMemory.copyFromArray(zeroes, 0, at + length, unused);
    }

    private void writePieces(RequestSlot to, long head, int tail, int length, int bytes) {
        LONGS.set(pieces, 0, head);
        INTS.set(pieces, STATUS_AT, tail);
        System.arraycopy(to.task.sense(), 0, pieces, ScsiProtocol.RESPONSE_HEADER, length);
        Arrays.fill(pieces, ScsiProtocol.RESPONSE_HEADER + length, bytes, (byte) 0);
        int at = 0;
        for (int i = 0; at < bytes; i++) {
            int piece = Math.min(to.response.length(i), bytes - at);
            NativeMemory.copyFromArray(pieces, at, to.response.address(i), piece);
            at += piece;
        }
    }
}
