package io.vireo.fabric.l2.packet;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;

/**
 * A frame that nobody sent to us: room to write one, and the way to send it by a port. For
 * protocols that end at a link, on the reactor of the port.
 */
public final class OwnFrame {
    /** The snapshots of a batch lie one behind the other: more than a frame of these protocols. */
    public static final int ROOM = FrameBatch.CAPACITY * FrameBatch.HEADER_MAX;

    private static final int[] FIRST = {0};

    private final FrameBatch batch = new FrameBatch();

    /** Address of the frame, of which {@link #ROOM} bytes may be written. */
    public long address() {
        return batch.header(0);
    }

    /** Sets the first bytes to zero, rounded up to a multiple of 8. */
    public void clear(int bytes) {
        for (int at = 0; at < bytes; at += Long.BYTES) {
            NativeMemory.putLong(address() + at, 0);
        }
    }

    /** Makes it these bytes. */
    public void set(byte[] frame) {
        for (int at = 0; at < frame.length; at++) {
            NativeMemory.putByte(address() + at, frame[at]);
        }
    }

    /** Sends the first {@code length} bytes as they are; returns whether the port took them. */
    public boolean send(NetPort port, int length) {
        int snapshot = Math.min(length, FrameBatch.HEADER_MAX);
        batch.clear();
        batch.count = 1;
        batch.length[0] = length;
        batch.headerLength[0] = snapshot;
        batch.offload[0] = 0;
        batch.checksumOffset[0] = 0;
        batch.firstRange[0] = 0;
        batch.rangeCount[0] = length > snapshot ? 1 : 0;
        batch.rangeAddress[0] = address() + snapshot;
        batch.rangeLength[0] = length - snapshot;
        batch.ranges = batch.rangeCount[0];
        boolean sent = port.transmit(batch, FIRST, 1) == 1;
        port.flush();
        return sent;
    }

    /** Gives the memory back. */
    public void close() {
        batch.close();
    }
}
