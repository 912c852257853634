package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import org.jspecify.annotations.Nullable;

/**
 * Reads of the member. Each is of the leg in sync that has least to do, and of the next one if that
 * fails; before it, what legs in sync may have differently is made equal.
 */
final class MirrorReads {
    private final MirrorChannel channel;
    private final Legs legs;
    private final Regions regions;
    private final Copier copier;
    private final boolean readOnly;
    private int turn;

    MirrorReads(MirrorChannel channel, boolean readOnly) {
        this.channel = channel;
        this.readOnly = readOnly;
        legs = channel.legs();
        regions = channel.regions();
        copier = channel.copier();
    }

    /** A read begins, or goes on after something was made equal for it. */
    void begin(MirrorRequest op) {
        BlockRequest client = op.client();
        long end = client.offset() + client.length();
        if (!readOnly && regions.unequal() > 0 && Integer.bitCount(legs.inSync()) > 1) {
            while (op.cursor < end) {
                int region = regions.of(op.cursor);
                long stop = Math.min(end, regions.start(region) + regions.bytes());
                if (region < regions.count() && regions.has(region, Regions.UNEQUAL)) {
                    equalize(op, region, (int) Math.min(Copier.MOST, stop - op.cursor));
                    return;
                }
                op.cursor = stop;
            }
        }
        readFrom(op, readOnly && regions.bits() > 0 ? first(legs.inSync()) : idlest(op));
    }

    private void equalize(MirrorRequest op, int region, int length) {
        long at = op.cursor;
        op.cursor += length;
        copier.submit(
                new CopyJob(
                        region,
                        at,
                        length,
                        legs.inSync(),
                        0,
                        success -> {
                            if (success) {
                                channel.again(op);
                            } else {
                                // Which of them is right is open until one can be read.
                                channel.complete(op, BlockStatus.IO_ERROR);
                            }
                        }));
    }

    private @Nullable Leg first(int mask) {
        return mask == 0 ? null : legs.get(Integer.numberOfTrailingZeros(mask));
    }

    /** The leg in sync that was not tried and has least to do; each in turn where several have. */
    private @Nullable Leg idlest(MirrorRequest op) {
        Leg best = null;
        int least = Integer.MAX_VALUE;
        turn++;
        for (int i = 0; i < legs.size(); i++) {
            Leg leg = legs.get(((turn & 0xFFFF) + i) % legs.size());
            LegQueue here = leg.queue;
            if (here != null
                    && leg.state == Leg.State.IN_SYNC
                    && (op.sent & leg.bit) == 0
                    && here.load() < least) {
                best = leg;
                least = here.load();
            }
        }
        return best;
    }

    private void readFrom(MirrorRequest op, @Nullable Leg leg) {
        if (leg == null) {
            channel.complete(op, op.failure == BlockStatus.OK ? BlockStatus.IO_ERROR : op.failure);
            return;
        }
        op.sent |= leg.bit;
        op.outstanding = 1;
        leg.submit(op.prepare(leg.index));
    }

    /** The leg that a read was given to has ended it. */
    void ended(MirrorRequest op) {
        if (op.done != 0) {
            if (op.failed != 0) {
                repair(op);
            }
            channel.complete(op, BlockStatus.OK);
        } else if (op.failure == BlockStatus.MEMORY_FAULT || op.failure == BlockStatus.CANCELLED) {
            // The client's fault, and not that of the leg.
            channel.complete(op, op.failure);
        } else {
            readFrom(op, idlest(op));
        }
    }

    /** Legs that could not read get what another one read; if they cannot write, they are lost. */
    private void repair(MirrorRequest op) {
        if (readOnly) {
            return;
        }
        long end = op.client().offset() + op.client().length();
        for (long at = op.client().offset(); at < end; ) {
            int region = regions.of(at);
            long stop = Math.min(end, regions.start(region) + regions.bytes());
            int length = (int) Math.min(Copier.MOST, stop - at);
            copier.submit(new CopyJob(region, at, length, op.failed, op.failed, _ -> {}));
            at += length;
        }
    }
}
