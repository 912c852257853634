package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.reactor.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Looks once a second, at all copies of the superblocks, whether the pool is ours still, and tells
 * who wants to have it that it is. As long as no look finds that, the {@link Fence} is shut: an
 * owner that did not run for a while, and others may have taken for dead, writes nothing before it
 * has looked. One copy that says so is enough: who takes a pool over writes all of them. If no copy
 * can be read, changes fail instead of waiting.
 */
final class OwnerWatch {
    /** Between two looks. */
    static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final MemberSet members;
    private final Superblocks superblocks;
    private final Consumer<PoolOwner> whenLost;
    private final List<OwnerLook> looks = new ArrayList<>();
    private final Timer timer;
    private boolean over;

    /** Whether looks are being begun, and whether one of this round has found the pool ours. */
    private boolean beginning;

    private boolean found;

    /**
     * @param whenLost told once who has the pool, if another one has
     */
    OwnerWatch(MemberSet members, Superblocks superblocks, Consumer<PoolOwner> whenLost) {
        this.members = members;
        this.superblocks = superblocks;
        this.whenLost = whenLost;
        timer = members.home().timer(this::look);
    }

    /** The pool was taken over just now. */
    void start() {
        members.fence().seen(members.home().nanoTime());
        look();
    }

    private void look() {
        timer.start(LOOK_NANOS);
        long now = members.home().nanoTime();
        int next = 0;
        beginning = true;
        found = false;
        for (int i = 0; i < current().members().size() && !over; i++) {
            Member member = members.get(i);
            int copies = member.device() instanceof MirrorDevice mirror ? mirror.copies() : 1;
            for (int copy = 0; copy < copies && !over; copy++) {
                if (next == looks.size()) {
                    looks.add(new OwnerLook(this));
                }
                looks.get(next++).begin(member, copy, now);
            }
        }
        beginning = false;
        looked();
        members.wake();
    }

    /** What ours say. */
    Superblock current() {
        return superblocks.current();
    }

    boolean isOver() {
        return over;
    }

    /** A look that began then has found that the pool is ours. */
    void seen(long nanoTime) {
        found = true;
        members.fence().seen(nanoTime);
        members.wake();
    }

    /** A look has ended. */
    void looked() {
        if (beginning || over) {
            return;
        }
        for (int i = 0; i < looks.size(); i++) {
            if (looks.get(i).isLooking()) {
                return;
            }
        }
        members.fence().blind(!found);
        members.wake();
    }

    void lost(PoolOwner to) {
        stop();
        whenLost.accept(to);
    }

    /**
     * Says that nobody has the pool open, if everything is durable and nothing is wrong; the last
     * that is written.
     *
     * @param then runs after that, when nobody looks any more
     */
    void leave(boolean durable, Runnable then) {
        if (durable && current().owner().isSomebody()) {
            superblocks.write(current().closed(), _ -> leave(false, then));
            members.wake();
        } else {
            stop();
            then.run();
        }
    }

    private void stop() {
        over = true;
        timer.cancel();
        members.fence().unwatched();
    }

    /** The members are closed. */
    void close() {
        looks.forEach(OwnerLook::close);
    }
}
