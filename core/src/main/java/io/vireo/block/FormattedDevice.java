package io.vireo.block;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A device of which nothing is special but its format: it carries out every operation, and may
 * grow.
 */
public abstract class FormattedDevice implements BlockDevice {
    private static final long MAX_DISCARD = 1L << 31;

    /** Of the channels that are open and those that were. */
    protected final BlockMeters meters = new BlockMeters();

    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private volatile VolumeFormat format;

    protected FormattedDevice(VolumeFormat format) {
        this.format = format;
    }

    @Override
    public final BlockGeometry geometry() {
        VolumeFormat now = format;
        return new BlockGeometry(
                now.capacity(),
                now.logicalBlockSize(),
                now.physicalBlockSize(),
                now.physicalBlockSize(),
                0,
                MAX_DISCARD,
                now.physicalBlockSize());
    }

    @Override
    public final Set<BlockOperation> operations() {
        return EnumSet.allOf(BlockOperation.class);
    }

    @Override
    public final BlockCounters counters() {
        return meters.total();
    }

    @Override
    public final void addGeometryListener(Runnable changed) {
        listeners.add(changed);
    }

    @Override
    public final void removeGeometryListener(Runnable changed) {
        listeners.remove(changed);
    }

    /**
     * Has more room; the listeners run.
     *
     * @param capacity bytes, not less than before
     */
    public final void grow(long capacity) {
        VolumeFormat old = format;
        format = new VolumeFormat(capacity, old.logicalBlockSize(), old.physicalBlockSize());
        listeners.forEach(Runnable::run);
    }
}
