package io.vireo.adapter.link;

import io.vireo.linux.ForeignMemory;
import io.vireo.linux.IovecArray;
import io.vireo.linux.Mapping;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * Frames of a batch as iovecs, for calls that gather what they send: first a virtio-net header
 * (VIRTIO 1.3, 5.1.6), then the frame where it is, its VLAN action done. Nothing is copied but the
 * header. Reused, by one reactor.
 */
public final class FrameVectors {
    private static final int CHECKSUM_OFFSET = 8;
    private static final int ADDRESSES = 12;
    private static final int TAG = 4;

    // Header and tag of a frame.
    private static final int AUXILIARY = 16;

    /** Entries beside those of ranges: header, addresses, tag, rest of the snapshot. */
    private static final int ENTRIES = 4;

    private final int headerSize;
    private final IovecArray iovecs = new IovecArray(IovecArray.UIO_MAXIOV);
    private final Mapping auxiliary;
    private final int[] first = new int[FrameBatch.CAPACITY];
    private final int[] entries = new int[FrameBatch.CAPACITY];
    private int frames;
    private int used;

    /**
     * Takes its memory.
     *
     * @param headerSize 10 or 12 bytes
     */
    public FrameVectors(int headerSize) {
        this.headerSize = headerSize;
        try {
            auxiliary = Mapping.anonymous(2L * FrameBatch.CAPACITY * AUXILIARY);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Forgets all frames. */
    public void clear() {
        frames = 0;
        used = 0;
    }

    /** Frames added since they were forgotten. */
    public int frames() {
        return frames;
    }

    /**
     * Adds a frame.
     *
     * @return false if there is no room for it, which clearing makes, unless there were no frames:
     *     it has too many ranges for any call
     */
    public boolean add(FrameBatch batch, int i) {
        if (frames == FrameBatch.CAPACITY
                || used + batch.rangeCount[i] > iovecs.capacity() - ENTRIES) {
            return false;
        }
        first[frames] = used;
        long header = auxiliary.address() + 2L * frames * AUXILIARY;
        ForeignMemory.putLong(header, Offload.shift(batch.offload[i], batch.vlanDelta(i)));
        ForeignMemory.putInt(
                header + CHECKSUM_OFFSET, Short.toUnsignedInt(batch.checksumOffset[i]));
        iovecs.set(used++, header, headerSize);
        addSnapshot(batch, i, header + AUXILIARY);
        int end = batch.firstRange[i] + batch.rangeCount[i];
        for (int r = batch.firstRange[i]; r < end; r++) {
            iovecs.set(used++, batch.rangeAddress[r], batch.rangeLength[r]);
        }
        entries[frames] = used - first[frames];
        frames++;
        return true;
    }

    private void addSnapshot(FrameBatch batch, int i, long tag) {
        long start = batch.header(i);
        int length = batch.headerLength[i];
        if (batch.vlanAction[i] != FrameBatch.VLAN_KEEP) {
            iovecs.set(used++, start, ADDRESSES);
            start += ADDRESSES;
            length -= ADDRESSES;
            if (batch.vlanAction[i] == FrameBatch.VLAN_PUSH) {
                ForeignMemory.putInt(tag, batch.tag(i));
                iovecs.set(used++, tag, TAG);
            } else {
                start += TAG;
                length -= TAG;
            }
        }
        iovecs.set(used++, start, length);
    }

    /** Address of the iovecs of a frame, in the order of adding. */
    public long address(int frame) {
        return iovecs.address(first[frame]);
    }

    /** Number of the iovecs of a frame. */
    public int entries(int frame) {
        return entries[frame];
    }

    /** Gives the memory back. */
    public void close() {
        auxiliary.unmap();
    }
}
