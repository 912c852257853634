package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.JournalPlace;
import io.vireo.fabric.storage.format.JournalPoint;
import io.vireo.fabric.storage.format.OpBuffer;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOp;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.journal.Group;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Writes operations to the journal's ring, one group after the other. */
final class JournalWriter {
    private final MemberSet members;
    private final FlushAll.Then then;
    private final UUID pool;
    private final long ownerEpoch;
    private final long ringBytes;
    private final OwnMemory buffer;
    private final BlockRequest first = new BlockRequest(0, ended -> written(ended.status()));
    private final BlockRequest wrapped = new BlockRequest(0, ended -> written(ended.status()));
    private final FlushAll flush;

    private JournalPlace place;
    private JournalPoint head;
    private long tail;
    private long durable;
    private @Nullable OpBuffer ops;
    private int done;
    private int outstanding;
    private boolean failed;

    JournalWriter(MemberSet members, Superblock superblock, JournalPoint head, FlushAll.Then then) {
        this.members = members;
        pool = superblock.pool();
        ownerEpoch = superblock.ownerEpoch();
        place = superblock.place();
        ringBytes = superblock.journalBytes();
        buffer = OwnMemory.allocate(Group.longest(ringBytes));
        tail = superblock.journal().position();
        this.head = head;
        this.then = then;
        durable = head.sequence() - 1;
        flush = new FlushAll(members, this::flushed);
    }

    /** Where the next group will be. */
    JournalPoint head() {
        return head;
    }

    /** Bytes of the ring that are in use. */
    long used() {
        return head.position() - tail;
    }

    long ringBytes() {
        return ringBytes;
    }

    /** Byte of the ring where the part begins that is not in use, and how long it is. */
    long unusedFrom() {
        return head.position() % ringBytes;
    }

    long unusedBytes() {
        return ringBytes - used();
    }

    /** Where the ring is. */
    JournalPlace place() {
        return place;
    }

    /** The ring is somewhere else, and none of its groups is needed. */
    void moved(JournalPlace newPlace) {
        place = newPlace;
    }

    /** Groups before this position are not needed any more. */
    void trim(long position) {
        tail = position;
    }

    /** Whether so many bytes of operations have room. */
    boolean fits(int bytes) {
        // Operations are not cut: each group may have room for one more than it holds.
        long groups = bytes / (Group.MAX_BYTES / 2) + 1;
        return bytes + groups * 2 * PoolFormat.BLOCK <= ringBytes - used();
    }

    /**
     * Writes operations and flushes; then {@code then} is told. They stay as they are until then.
     */
    void write(OpBuffer operations) {
        ops = operations;
        done = 0;
        failed = false;
        writeGroup();
    }

    private void writeGroup() {
        OpBuffer operations = Objects.requireNonNull(ops);
        int bytes = 0;
        while (done + bytes < operations.length()) {
            int next = PoolOp.length(operations.address() + done + bytes);
            if (bytes + next > Group.MAX_BYTES) {
                break;
            }
            bytes += next;
        }
        NativeMemory.copy(operations.address() + done, buffer.address() + Group.HEADER, bytes);
        done += bytes;
        int crc =
                Group.seal(
                        buffer,
                        pool,
                        head.sequence(),
                        ownerEpoch,
                        durable,
                        bytes,
                        head.previousCrc());
        int stored = Group.stored(bytes);
        long offset = head.position() % ringBytes;
        head = new JournalPoint(head.position() + stored, head.sequence() + 1, crc);
        int before = (int) Math.min(stored, ringBytes - offset);
        outstanding = before < stored ? 2 : 1;
        submit(first, place.offset() + offset, buffer.address(), before);
        if (before < stored) {
            submit(wrapped, place.offset(), buffer.address() + before, stored - before);
        }
    }

    private void submit(BlockRequest request, long at, long address, int length) {
        request.prepare(BlockOperation.WRITE, at, length).data().add(address, length);
        members.get(place.member()).submit(request);
    }

    private void written(BlockStatus status) {
        failed |= status != BlockStatus.OK;
        if (--outstanding > 0) {
            return;
        }
        if (failed) {
            then.flushed(false);
        } else if (done < Objects.requireNonNull(ops).length()) {
            writeGroup();
        } else {
            flush.start(place.member());
        }
    }

    private void flushed(boolean success) {
        if (success) {
            durable = head.sequence() - 1;
        }
        then.flushed(success);
    }

    void close() {
        buffer.close();
    }
}
