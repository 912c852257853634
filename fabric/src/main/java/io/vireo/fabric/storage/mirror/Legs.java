package io.vireo.fabric.storage.mirror;

import io.vireo.fabric.storage.format.MirrorHeader;
import java.util.Iterator;
import java.util.List;

/** The legs of a mirror, and what becomes of one that fails or comes back. */
final class Legs implements Iterable<Leg> {
    private final MirrorChannel channel;
    private final List<Leg> legs;
    private final MirrorEvents events;
    private final boolean readOnly;

    Legs(MirrorChannel channel, List<Leg> legs, MirrorEvents events, boolean readOnly) {
        this.channel = channel;
        this.legs = legs;
        this.events = events;
        this.readOnly = readOnly;
    }

    int size() {
        return legs.size();
    }

    Leg get(int index) {
        return legs.get(index);
    }

    @Override
    public Iterator<Leg> iterator() {
        return legs.iterator();
    }

    /** Tells what an operator has to know. */
    void tell(String sentence) {
        events.degraded(sentence);
    }

    /** Bytes of the member: what fits on the smallest leg that is here. */
    long dataBytes() {
        long least = Long.MAX_VALUE;
        for (Leg leg : legs) {
            LegQueue here = leg.queue;
            if (here != null && leg.state != Leg.State.FAILED) {
                least = Math.min(least, here.device().geometry().capacity());
            }
        }
        return least - MirrorHeader.DATA;
    }

    /** Legs that are in sync. */
    int inSync() {
        return mask(Leg.State.IN_SYNC);
    }

    /** Legs that get what they lack. */
    int syncing() {
        return mask(Leg.State.SYNCING);
    }

    private int mask(Leg.State state) {
        int mask = 0;
        for (int i = 0; i < legs.size(); i++) {
            mask |= legs.get(i).state == state ? 1 << i : 0;
        }
        return mask;
    }

    /** Legs do not do what they should: they are out of sync from here on. The last one stays. */
    void failAll(int mask, String why) {
        for (Leg leg : legs) {
            if ((mask & leg.bit) != 0) {
                fail(leg, why);
            }
        }
    }

    private void fail(Leg leg, String why) {
        boolean last = leg.state == Leg.State.IN_SYNC && Integer.bitCount(inSync()) == 1;
        if (last || readOnly || leg.state == Leg.State.FAILED || leg.state == Leg.State.ABSENT) {
            return;
        }
        leg.state = Leg.State.FAILED;
        leg.promoted = false;
        leg.why = why;
        channel.disturb();
        if (syncing() == 0) {
            channel.regions().clearAll(Regions.LACKING);
        }
        if (Integer.bitCount(inSync()) == 1) {
            // There is nobody that it could differ from.
            channel.regions().clearAll(Regions.UNEQUAL);
        }
        events.degraded(
                "disk %d of mirror %s is out of the mirror: %s; check it, or replace it"
                        .formatted(leg.index, channel.recorder().durable().set(), why));
        channel.watch().failed(leg);
        channel.recorder().changed();
    }

    /** Legs that get what they lack have something that those in sync may not have. */
    void fallBehind() {
        for (Leg leg : legs) {
            if (leg.state == Leg.State.SYNCING && leg.promoted) {
                fail(leg, "a write to the others failed just before it was in sync");
            } else if (leg.state == Leg.State.SYNCING) {
                leg.behind = true;
            }
        }
    }

    /** A leg's header says durably that it is out of date: it may be written to. */
    void joined(Leg leg) {
        leg.state = Leg.State.SYNCING;
        leg.fresh = false;
        leg.marked = false;
        leg.joins++;
        channel.disturb();
        channel.regions().setAll(leg.whole, Regions.LACKING);
        // What is under way in a region does not reach the leg, and has its bit.
        int joins = leg.joins;
        channel.intent()
                .writeAll(() -> {
                    if (leg.joins == joins) {
                        leg.marked = true;
                        channel.resync().kick();
                    }
                });
    }

    /** All headers say durably that a leg has everything. */
    void promoted(Leg leg) {
        leg.state = Leg.State.IN_SYNC;
        leg.promoted = false;
        leg.whole = false;
        leg.leftAt = 0;
        leg.why = "";
        channel.watch().recovered(leg);
        if (Integer.bitCount(inSync()) == legs.size()) {
            events.redundant();
        }
    }

    /** Legs have everything: the headers are to say so. */
    void promote() {
        for (Leg leg : legs) {
            if (leg.promoted) {
                channel.recorder().changed();
                return;
            }
        }
    }

    /** A leg is here again, on a device that may be another one. */
    void join(Leg leg) {
        leg.state = Leg.State.JOINING;
        channel.recorder().changed();
    }
}
