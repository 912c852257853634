package io.vireo.fabric.storage.journal;

import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.JournalPoint;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOp;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Reads a journal's ring, all of which is in memory. Groups count up to the first that is missing
 * or damaged. If a later one proves that the missing one was durable once, the journal has lost
 * something, which no loss of power explains.
 */
public final class JournalReader implements AutoCloseable {
    private final OwnMemory ring;
    private final UUID pool;
    private final OwnMemory group;
    private JournalPoint point;
    private long durable;

    /**
     * @param ring the whole ring
     * @param start from where on groups belong to the state
     */
    public JournalReader(OwnMemory ring, UUID pool, JournalPoint start) {
        this.ring = ring;
        this.pool = pool;
        this.group = OwnMemory.allocate(Group.longest(ring.length()));
        this.point = start;
        this.durable = start.sequence() - 1;
    }

    /** Where the next group is, after those that were replayed. */
    public JournalPoint point() {
        return point;
    }

    /**
     * Hands out the operations of each group that counts.
     *
     * @throws FormatException if a sound group holds what no journal has
     */
    public void replay(Consumer<PoolOp> sink) throws FormatException {
        while (true) {
            Optional<Group> next = at(point.position());
            if (next.isEmpty()
                    || next.get().sequence() != point.sequence()
                    || next.get().previousCrc() != point.previousCrc()) {
                return;
            }
            decode(next.get().bytes(), sink);
            point =
                    new JournalPoint(
                            point.position() + Group.stored(next.get().bytes()),
                            point.sequence() + 1,
                            next.get().crc());
            durable = point.sequence() - 1;
        }
    }

    /**
     * What is wrong behind the last group that counts; empty: the journal ends as it should. After
     * {@link #replay}.
     */
    public String damage() {
        for (long at = 0; at < ring.length(); at += PoolFormat.BLOCK) {
            Optional<Group> later = at(at);
            if (later.isPresent()
                    && later.get().sequence() > durable
                    && later.get().durable() > durable) {
                return "group %d of the journal is lost, though group %d says that it was durable"
                        .formatted(durable + 1, later.get().sequence());
            }
        }
        return "";
    }

    @Override
    public void close() {
        group.close();
    }

    private void decode(int bytes, Consumer<PoolOp> sink) throws FormatException {
        int at = 0;
        while (at < bytes) {
            long address = group.address() + Group.HEADER + at;
            sink.accept(PoolOp.decode(address, bytes - at));
            at += PoolOp.length(address);
        }
    }

    /** Brings the group at a position into {@link #group}, if there is a sound one. */
    private Optional<Group> at(long position) {
        int offset = (int) (position % ring.length());
        long address = ring.address() + offset;
        if (!Group.maybe(address, pool)) {
            return Optional.empty();
        }
        Group header = Group.header(address);
        int length = Group.HEADER + header.bytes();
        if (length > ring.length()) {
            return Optional.empty();
        }
        int first = Math.min(length, ring.length() - offset);
        NativeMemory.copy(address, group.address(), first);
        NativeMemory.copy(ring.address(), group.address() + first, length - first);
        return group.crc32c(8, length - 8) == header.crc() ? Optional.of(header) : Optional.empty();
    }
}
