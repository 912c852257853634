package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockRates;
import io.vireo.block.BlockRequest;
import java.util.Arrays;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The lines in which the requests of a channel wait: one of each user for whom something is
 * reserved, and one of all others. Where there are several a request is granted only when there is
 * a place for it behind the channel: so it is the lane that decides whose it is, however slow the
 * disk. Belongs to the lane's reactor.
 */
final class Flows implements Flow.Owner {
    private final VdiskQos vdisk;
    private final Lane lane;
    private final Runnable wake;
    private final IntSupplier places;
    private final Flow common;
    private Flow[] committed = {};

    /**
     * @param wake has the channel polled soon
     * @param places how many requests can go on at once
     */
    Flows(VdiskQos vdisk, Lane lane, Runnable wake, IntSupplier places) {
        this.vdisk = vdisk;
        this.lane = lane;
        this.wake = wake;
        this.places = places;
        common = lane.open(vdisk, null, this);
    }

    @Override
    public void wake() {
        wake.run();
    }

    @Override
    public boolean hasRoom() {
        // One line holds no more than there are places for.
        return !divided() || places.getAsInt() > grantedCount();
    }

    private int grantedCount() {
        int count = common.granted();
        for (Flow flow : committed) {
            count += flow.granted();
        }
        return count;
    }

    /** Whether there are lines of users. */
    boolean divided() {
        return committed.length > 0;
    }

    /** The line of those who have nothing reserved. */
    Flow common() {
        return common;
    }

    /** The line of a user; null: of nobody in particular. */
    Flow of(@Nullable BlockRates user) {
        if (user == null || user.reservation() == 0) {
            return common;
        }
        for (Flow flow : committed) {
            Commitment commitment = flow.commitment;
            if (commitment != null && commitment.user == user && !commitment.ended()) {
                return flow;
            }
        }
        Commitment found = vdisk.pool().commitment(user);
        return found == null ? common : open(found);
    }

    private Flow open(Commitment commitment) {
        Flow opened = lane.open(vdisk, commitment, this);
        committed = Arrays.copyOf(committed, committed.length + 1);
        committed[committed.length - 1] = opened;
        return opened;
    }

    /** Requests that they hold. */
    int count() {
        int count = common.count();
        for (Flow flow : committed) {
            count += flow.count();
        }
        return count;
    }

    /**
     * The line whose first request may go on next: what was granted first does. Null: there is
     * none.
     */
    @Nullable Flow granted() {
        Flow first = null;
        for (Flow flow : committed) {
            first = earlier(first, flow);
        }
        return earlier(first, common);
    }

    /** Where both were granted at once, the one that is known. */
    private static @Nullable Flow earlier(@Nullable Flow known, Flow other) {
        if (other.granted() == 0) {
            return known;
        }
        return known == null || other.grantedAt() - known.grantedAt() < 0 ? other : known;
    }

    /** Nanoseconds until one that waits may go on; {@link Long#MAX_VALUE}: none waits. */
    long opensIn(long now) {
        long opensIn = common.waits() ? lane.opensIn(common, now) : Long.MAX_VALUE;
        for (Flow flow : committed) {
            if (flow.waits()) {
                opensIn = Math.min(opensIn, lane.opensIn(flow, now));
            }
        }
        return opensIn;
    }

    /** Takes out the request with this tag, if it is here. */
    @Nullable BlockRequest remove(int tag) {
        BlockRequest removed = remove(common, tag);
        for (int i = 0; removed == null && i < committed.length; i++) {
            removed = remove(committed[i], tag);
        }
        return removed;
    }

    private @Nullable BlockRequest remove(Flow flow, int tag) {
        BlockRequest removed = flow.remove(tag);
        if (removed != null && !flow.waits()) {
            lane.leave(flow);
        }
        return removed;
    }

    /** Has the request with this tag go on, if it is here and waits; says whether it did. */
    boolean hurry(int tag, long now) {
        boolean found = hurry(common, tag, now);
        for (int i = 0; !found && i < committed.length; i++) {
            found = hurry(committed[i], tag, now);
        }
        return found;
    }

    private boolean hurry(Flow flow, int tag, long now) {
        if (!flow.hurry(tag)) {
            return false;
        }
        lane.unasked(flow, flow.next(), now);
        flow.grant(now);
        if (!flow.waits()) {
            lane.leave(flow);
        }
        return true;
    }

    /** Has all go on, whatever rates and turns say. */
    void grantAll(long now) {
        grantAll(common, now);
        for (Flow flow : committed) {
            grantAll(flow, now);
        }
    }

    private void grantAll(Flow flow, long now) {
        lane.leave(flow);
        while (flow.waits()) {
            lane.unasked(flow, flow.next(), now);
            flow.grant(now);
        }
    }

    /** Lines for which nothing is reserved any more are none. */
    void settle() {
        for (int i = committed.length - 1; i >= 0; i--) {
            Flow flow = committed[i];
            Commitment commitment = flow.commitment;
            if (commitment != null && commitment.ended()) {
                committed[i] = committed[committed.length - 1];
                committed = Arrays.copyOf(committed, committed.length - 1);
                lane.leave(flow);
                flow.mergeInto(common);
                close(flow, common, lane);
            }
        }
    }

    /** Hands all requests to others, in another pool perhaps. */
    void moveTo(Flows next) {
        for (Flow flow : committed) {
            Commitment commitment = flow.commitment;
            move(flow, next.of(commitment == null ? null : commitment.user), next.lane);
        }
        move(common, next.common, next.lane);
        committed = new Flow[0];
    }

    private void move(Flow from, Flow to, Lane into) {
        lane.leave(from);
        from.moveTo(to);
        close(from, to, into);
    }

    private void close(Flow from, Flow to, Lane into) {
        lane.close(from);
        if (to.waits()) {
            into.join(to);
        }
    }

    /** Nothing waits any more, nor will. */
    void close() {
        for (Flow flow : committed) {
            lane.close(flow);
        }
        lane.close(common);
    }
}
