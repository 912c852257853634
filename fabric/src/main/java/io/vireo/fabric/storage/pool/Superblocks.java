package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.memory.OwnMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * The superblocks of all members while the pool is open. Each member's newest one stays where it is
 * until the next is durable in the other place. Before that is written the newest is read again: if
 * it is not ours, somebody else has the pool. Nor is it written before all members have the newest,
 * so that one whose own is older than the one before was put back.
 */
final class Superblocks {
    static final String LOST = "another process has opened the pool meanwhile";

    private final MemberSet members;
    private int[] newest;
    private final List<OwnMemory> buffers = new ArrayList<>();
    private final FlushAll flush;
    private Superblock current;
    private Superblock next;
    private Consumer<String> then = _ -> {};
    private Consumer<PoolOwner> whenLost = _ -> {};
    private int outstanding;
    private boolean failed;

    /** Members that are to have the newest one before the next is written. */
    private List<Integer> behind;

    /**
     * @param newest of each member, which place its newest superblock is in
     * @param behind members whose newest superblock is older than {@code current}
     */
    Superblocks(MemberSet members, Superblock current, int[] newest, List<Integer> behind) {
        this.members = members;
        this.current = current;
        this.next = current;
        this.newest = newest.clone();
        this.behind = List.copyOf(behind);
        flush = new FlushAll(members, this::flushed);
    }

    Superblock current() {
        return current;
    }

    /** Of each member, which place its newest superblock is in. */
    int[] newest() {
        return newest.clone();
    }

    /** Whom to tell who has taken the pool over. */
    void onLost(Consumer<PoolOwner> told) {
        whenLost = told;
    }

    UUID memberUuid(int member) {
        return current.members().get(member).uuid();
    }

    /** Writes it to all members, durably; then tells what went wrong, or nothing. */
    void write(Superblock superblock, Consumer<String> whenDone) {
        next = superblock;
        then = whenDone;
        failed = false;
        outstanding = 2;
        for (int place : List.of(0, 1)) {
            var request = new BlockRequest(0, ended -> checked(ended.status()));
            request.prepare(BlockOperation.READ, PoolFormat.SUPERBLOCKS[place], PoolFormat.BLOCK)
                    .data()
                    .add(buffer(place).address(), PoolFormat.BLOCK);
            members.get(present()).submit(request);
        }
    }

    /** The first member that has not left. */
    private int present() {
        int member = 0;
        while (current.members().get(member).isRemoved()) {
            member++;
        }
        return member;
    }

    private OwnMemory buffer(int index) {
        while (buffers.size() <= index) {
            buffers.add(OwnMemory.allocate(PoolFormat.BLOCK));
        }
        return buffers.get(index);
    }

    private void checked(BlockStatus status) {
        failed |= status != BlockStatus.OK;
        if (--outstanding > 0) {
            return;
        }
        if (failed) {
            then.accept("the pool's superblock cannot be read");
            return;
        }
        for (int place : List.of(0, 1)) {
            if (isForeign(buffer(place))) {
                whenLost.accept(Superblock.owner(buffer(place)));
                then.accept(LOST);
                return;
            }
        }
        writeAll();
    }

    /** Writes the next one to all members; before that the newest to those that have not got it. */
    private void writeAll() {
        outstanding = 1;
        behind.forEach(member -> write(current, member));
        for (int i = 0; behind.isEmpty() && i < next.members().size(); i++) {
            if (!next.members().get(i).isRemoved()) {
                write(next, i);
            }
        }
        written(BlockStatus.OK);
    }

    private void write(Superblock superblock, int member) {
        outstanding++;
        superblock.of(member).encode(buffer(member));
        var request = new BlockRequest(0, ended -> written(ended.status()));
        request.prepare(
                        BlockOperation.WRITE,
                        PoolFormat.SUPERBLOCKS[1 - newest[member]],
                        PoolFormat.BLOCK)
                .data()
                .add(buffer(member).address(), PoolFormat.BLOCK);
        members.get(member).submit(request);
    }

    /**
     * Whether somebody else wrote it. An older one that was torn does not say anything; who took
     * the pool over left a sound one.
     */
    private boolean isForeign(OwnMemory block) {
        return switch (current.whose(block)) {
            case UNKNOWN -> false;
            case OURS -> Superblock.generation(block) > current.generation();
            case ANOTHERS -> true;
        };
    }

    private void written(BlockStatus status) {
        failed |= status != BlockStatus.OK;
        if (--outstanding > 0) {
            return;
        }
        if (failed) {
            then.accept("the pool's superblocks could not be written");
        } else {
            flush.startAll();
        }
    }

    private void flushed(boolean success) {
        if (!success) {
            then.accept("a flush of the pool's members failed");
            return;
        }
        if (!behind.isEmpty()) {
            behind.forEach(member -> newest[member] = 1 - newest[member]);
            behind = List.of();
            writeAll();
            return;
        }
        current = next;
        for (int i = 0; i < next.members().size(); i++) {
            newest[i] = 1 - newest[i];
        }
        then.accept("");
    }

    /** A device that has a superblock in the first place will be a member with the next state. */
    void join() {
        newest = Arrays.copyOf(newest, newest.length + 1);
    }

    void close() {
        buffers.forEach(OwnMemory::close);
    }
}
