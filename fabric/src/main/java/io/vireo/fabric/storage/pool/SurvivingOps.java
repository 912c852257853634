package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.OpBuffer;
import io.vireo.fabric.storage.format.PoolOp;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.SurvivingMemory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * The operations that were done and are not in the journal yet, in memory that outlives the
 * process: a daemon that is killed under running servers loses none of the writes that it has
 * acknowledged, although no flush has made them durable. (A loss of power does, as with any disk
 * with a cache.)
 *
 * <p>There are two buffers, of which one is appended to and the other is being made durable. After
 * a crash both are applied once more on top of the journal, first the one that was being made
 * durable: operations that are there already change nothing.
 *
 * <p>Layout: which buffer is appended to, bytes of the first, bytes of the second, each a long; the
 * buffers from {@value #PAGE} on.
 */
final class SurvivingOps implements AutoCloseable {
    private static final int PAGE = 4096;
    private static final int ROOM = 8 << 20;

    private final SurvivingMemory memory;

    private SurvivingOps(SurvivingMemory memory) {
        this.memory = memory;
    }

    /** Makes it, for the owner of a pool in one epoch. */
    static SurvivingOps make(Path folder, UUID pool, long epoch) {
        return new SurvivingOps(SurvivingMemory.make(file(folder, pool, epoch), PAGE + 2L * ROOM));
    }

    /**
     * Finds what the last owners of a pool left, oldest first.
     *
     * @param epoch of the last owner, as the pool has it
     */
    static List<SurvivingOps> find(Path folder, UUID pool, long epoch) {
        var found = new ArrayList<SurvivingOps>();
        // An owner makes its own before the pool is told of it, and removes those of others when
        // all that is in them is durable. So there may be one more, and what is left from an owner
        // before whose own is missing is out of date.
        find(file(folder, pool, epoch + 1)).ifPresent(found::addFirst);
        for (long at = epoch; ; at--) {
            Optional<SurvivingOps> one = find(file(folder, pool, at));
            if (one.isEmpty()) {
                return found;
            }
            found.addFirst(one.get());
        }
    }

    /** A file of another length is not ours: to read behind its end would kill the process. */
    private static Optional<SurvivingOps> find(Path file) {
        Optional<SurvivingMemory> memory = SurvivingMemory.find(file);
        if (memory.isPresent() && memory.get().length() != PAGE + 2L * ROOM) {
            memory.get().close();
            return Optional.empty();
        }
        return memory.map(SurvivingOps::new);
    }

    private static Path file(Path folder, UUID pool, long epoch) {
        return folder.resolve("pool-" + pool + "-" + epoch + ".ops");
    }

    /** One of the two buffers, 0 or 1; appending begins with 0. */
    OpBuffer buffer(int index) {
        long memoryOf = memory.address() + PAGE + (long) index * ROOM;
        return new OpBuffer(memoryOf, ROOM, length(index));
    }

    private long length(int index) {
        return memory.address() + (1L + index) * Long.BYTES;
    }

    /** The buffers change their parts. */
    void swap() {
        NativeMemory.fullFence();
        NativeMemory.putLong(memory.address(), 1 - NativeMemory.getLong(memory.address()));
        NativeMemory.fullFence();
    }

    /**
     * Hands out all operations in the order in which they were done.
     *
     * @return whether there were any
     */
    boolean replay(Consumer<PoolOp> apply) throws FormatException {
        int appended = (int) (NativeMemory.getLong(memory.address()) & 1);
        boolean sealed = replay(1 - appended, apply);
        boolean pending = replay(appended, apply);
        return sealed || pending;
    }

    private boolean replay(int index, Consumer<PoolOp> apply) throws FormatException {
        int length = (int) Math.clamp(NativeMemory.getLong(length(index)), 0, ROOM);
        long base = memory.address() + PAGE + (long) index * ROOM;
        for (int at = 0; at < length; at += PoolOp.length(base + at)) {
            apply.accept(PoolOp.decode(base + at, length - at));
        }
        return length > 0;
    }

    /** All of it is durable, or of no use. */
    void delete() {
        memory.delete();
    }

    @Override
    public void close() {
        memory.close();
    }
}
