package io.vireo.net;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import java.io.UncheckedIOException;

/**
 * Finishes in software what a sender left to do and a receiver does not take: checksums, and
 * segmentation of TCP and UDP. A frame is copied into our own memory first, so that nobody changes
 * it between the sum and its use.
 *
 * <p>Reused, by one reactor: {@link #begin}, then {@link #next} until it returns 0, sending each
 * batch.
 */
public final class SoftwareOffload {
    private static final int TAG = 4;

    private final Mapping memory;
    private final FrameBatch frames = new FrameBatch();
    private final Segmentation segmentation = new Segmentation();
    private boolean segmented;
    private int pending;

    /** Takes memory for one frame of {@link FrameBatch#LENGTH_MAX} bytes. */
    public SoftwareOffload() {
        try {
            memory = Mapping.anonymous(FrameBatch.LENGTH_MAX + TAG);
        } catch (ErrnoException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Takes frame {@code index} of a batch, with its VLAN action.
     *
     * @return false if it cannot be finished, because it is not what its virtio-net header says:
     *     drop it
     */
    public boolean begin(FrameBatch batch, int index) {
        pending = 0;
        int delta = batch.vlanDelta(index);
        int length = batch.length[index] + delta;
        if (length > FrameBatch.LENGTH_MAX + TAG) {
            return false;
        }
        batch.copyOut(index, memory.address());
        long offload = Offload.shift(batch.offload[index], delta);
        segmented = Offload.gso(offload) != Offload.GSO_NONE;
        if (segmented) {
            return segmentation.begin(memory.address(), length, offload);
        }
        pending = length;
        return (Offload.flags(offload) & Offload.NEEDS_CHECKSUM) == 0
                || Checksum.complete(
                        memory.address(),
                        length,
                        Offload.checksumStart(offload),
                        Short.toUnsignedInt(batch.checksumOffset[index]));
    }

    /** The frames that {@link #next} filled in, plain ones. */
    public FrameBatch frames() {
        return frames;
    }

    /** Fills {@link #frames} with the next frames; returns their number, 0 after the last. */
    public int next() {
        if (segmented) {
            return segmentation.next(frames);
        }
        frames.clear();
        if (pending > 0) {
            whole(pending);
            pending = 0;
        }
        return frames.count;
    }

    private void whole(int length) {
        int snapshot = Math.min(length, FrameBatch.SNAPSHOT);
        ForeignMemory.copy(memory.address(), frames.header(0), snapshot);
        frames.count = 1;
        frames.length[0] = length;
        frames.headerLength[0] = snapshot;
        frames.offload[0] = 0;
        frames.checksumOffset[0] = 0;
        frames.vlanAction[0] = FrameBatch.VLAN_KEEP;
        frames.firstRange[0] = 0;
        frames.rangeCount[0] = length > snapshot ? 1 : 0;
        frames.rangeAddress[0] = memory.address() + snapshot;
        frames.rangeLength[0] = length - snapshot;
        frames.ranges = frames.rangeCount[0];
    }

    /** Gives the memory back. */
    public void close() {
        frames.close();
        memory.unmap();
    }
}
