package io.vireo.block;

import io.vireo.memory.ScatterGatherList;
import org.jspecify.annotations.Nullable;

/**
 * One request to a {@link BlockDevice}: preallocated by the front end, filled, submitted,
 * completed, and used again. It belongs to the channel from {@link BlockChannel#submit} to {@link
 * #complete}.
 *
 * <p>A stage between front end and back end (mapping, QoS) carries a request of its own whose
 * completion completes this one; it may also split the work by keeping several.
 */
public final class BlockRequest {
    private final ScatterGatherList own = new ScatterGatherList(8);
    private final BlockCompletion completion;
    private final int tag;
    private BlockOperation operation = BlockOperation.FLUSH;
    private BlockStatus status = BlockStatus.OK;
    private long offset;
    private long length;
    private boolean forceUnitAccess;
    private boolean unmap;
    private @Nullable MemoryLease lease;
    private @Nullable BlockRates user;
    private boolean foreign;
    private ScatterGatherList data = own;

    /**
     * @param tag the owner's number for this object, unchanged for its life
     * @param completion told of each end
     */
    public BlockRequest(int tag, BlockCompletion completion) {
        this.tag = tag;
        this.completion = completion;
    }

    /** Starts a new use: no data, no flags. {@code offset} and {@code length} are in bytes. */
    public BlockRequest prepare(BlockOperation newOperation, long newOffset, long newLength) {
        operation = newOperation;
        offset = newOffset;
        length = newLength;
        status = BlockStatus.OK;
        forceUnitAccess = false;
        unmap = false;
        lease = null;
        user = null;
        foreign = false;
        if (data == own) {
            own.clear();
        } else {
            // It was not used since it was cleared.
            data = own;
        }
        return this;
    }

    /**
     * Where the bytes are is what {@code list} says, which stays as it is until the end: nothing is
     * copied. Nothing was added to {@link #data()} before.
     */
    public BlockRequest data(ScatterGatherList list) {
        data = list;
        return this;
    }

    /** WRITE, WRITE_ZEROES: complete only when durable. */
    public BlockRequest forceUnitAccess(boolean on) {
        forceUnitAccess = on;
        return this;
    }

    /** WRITE_ZEROES: the range may be deallocated. */
    public BlockRequest unmap(boolean on) {
        unmap = on;
        return this;
    }

    /**
     * The memory of {@link #data} can be kept from being used again; null: from its end on the
     * request says nothing about it.
     */
    public BlockRequest lease(@Nullable MemoryLease newLease) {
        lease = newLease;
        return this;
    }

    /** Whose it is, of those that were {@linkplain BlockDevice#addUser added}; null: of none. */
    public BlockRequest user(@Nullable BlockRates newUser) {
        user = newUser;
        return this;
    }

    /**
     * READ: the memory of {@link #data} is a guest's. It may be gone, so nobody but the device
     * itself puts anything there.
     */
    public BlockRequest foreign(boolean on) {
        foreign = on;
        return this;
    }

    public int tag() {
        return tag;
    }

    public BlockOperation operation() {
        return operation;
    }

    /** First byte. */
    public long offset() {
        return offset;
    }

    /** Bytes; equals {@code data().total()} for READ and WRITE; 0 for FLUSH. */
    public long length() {
        return length;
    }

    /** Bytes that it moves: what it frees or zeroes it does not move. */
    public long moved() {
        return switch (operation) {
            case READ, WRITE -> length;
            case FLUSH, DISCARD, WRITE_ZEROES, ALLOCATE -> 0;
        };
    }

    public boolean forceUnitAccess() {
        return forceUnitAccess;
    }

    public boolean unmap() {
        return unmap;
    }

    /** Who keeps the memory of {@link #data}; null: nobody. */
    public @Nullable MemoryLease lease() {
        return lease;
    }

    /** Whose it is; null: of nobody who was added. */
    public @Nullable BlockRates user() {
        return user;
    }

    /** Whether the memory of {@link #data} is a guest's. */
    public boolean isForeign() {
        return foreign;
    }

    /** Where the bytes go to or come from; native addresses, usually in guest memory. */
    public ScatterGatherList data() {
        return data;
    }

    public BlockStatus status() {
        return status;
    }

    /** Ends the request; called exactly once per use, by the channel. */
    public void complete(BlockStatus result) {
        status = result;
        completion.completed(this);
    }
}
