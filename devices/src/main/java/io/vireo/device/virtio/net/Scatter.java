package io.vireo.device.virtio.net;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import io.vireo.virtqueue.ChainBatch;

/**
 * A cursor over the device-writable ranges of consecutive chains, however they are framed. Whoever
 * uses it has made sure that there is enough room. Reused.
 */
final class Scatter {
    private static final int ADDRESSES = 12;
    private static final int TAG = 4;

    private final ChainBatch chains;
    private int chain;
    private int range;
    private int end;
    private int offset;

    Scatter(ChainBatch chains) {
        this.chains = chains;
    }

    /** Goes to the first byte of a chain. */
    void begin(int first) {
        chain = first;
        enter();
    }

    /** Writes the lowest {@code count} bytes of a number, little-endian. */
    void put(long value, int count) {
        for (int i = 0; i < count; i++) {
            seek();
            NativeMemory.putByte(
                    chains.rangeAddress[range] + offset, (byte) (value >>> (i * Byte.SIZE)));
            offset++;
        }
    }

    /** Writes a frame, its VLAN action done. */
    void frame(FrameBatch frames, int i) {
        long header = frames.header(i);
        int length = frames.headerLength[i];
        if (frames.vlanAction[i] != FrameBatch.VLAN_KEEP) {
            write(header, ADDRESSES);
            int skipped = ADDRESSES;
            if (frames.vlanAction[i] == FrameBatch.VLAN_PUSH) {
                put(frames.tag(i), TAG);
            } else {
                skipped += TAG;
            }
            header += skipped;
            length -= skipped;
        }
        write(header, length);
        int last = frames.firstRange[i] + frames.rangeCount[i];
        for (int r = frames.firstRange[i]; r < last; r++) {
            write(frames.rangeAddress[r], frames.rangeLength[r]);
        }
    }

    private void write(long source, int count) {
        int done = 0;
        while (done < count) {
            seek();
            int piece = Math.min(count - done, chains.rangeLength[range] - offset);
            NativeMemory.copy(source + done, chains.rangeAddress[range] + offset, piece);
            offset += piece;
            done += piece;
        }
    }

    private void seek() {
        while (range == end || offset == chains.rangeLength[range]) {
            if (range < end) {
                range++;
                offset = 0;
            }
            if (range == end) {
                chain++;
                enter();
            }
        }
    }

    private void enter() {
        range = chains.firstWritable[chain];
        end = range + chains.writableRanges[chain];
        offset = 0;
    }
}
