package io.vireo.fabric.storage.pool;

import io.vireo.block.MemoryLease;
import io.vireo.memory.OwnMemory;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Buffers that a request has. A disk that does not answer may have them for longer. */
final class Loan implements MemoryLease {
    private OwnMemory[] buffers = {};
    private int count;
    private int users;
    private boolean over;
    private @Nullable WriteBuffers lender;

    /** Takes so many buffers, those that it has included. */
    void take(WriteBuffers from, int needed) {
        lender = from;
        if (buffers.length < needed) {
            buffers = Arrays.copyOf(buffers, needed);
        }
        while (count < needed) {
            buffers[count++] = from.take();
        }
    }

    boolean isEmpty() {
        return count == 0;
    }

    OwnMemory buffer(int index) {
        return buffers[index];
    }

    /**
     * The request has ended.
     *
     * @return whether the buffers are given back; if not, the next request needs another loan
     */
    boolean end() {
        if (users == 0) {
            while (count > 0) {
                Objects.requireNonNull(lender).give(buffers[--count]);
            }
            return true;
        }
        over = true;
        Objects.requireNonNull(lender).forgo(count);
        return false;
    }

    @Override
    public void retain() {
        users++;
    }

    @Override
    public void release() {
        users--;
        while (over && users == 0 && count > 0) {
            Objects.requireNonNull(lender).takeBack(buffers[--count]);
        }
    }
}
