package io.vireo.device.scsi;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A WRITE USING TOKEN of data that some unit has (SBC-3, 5.45): that unit is asked for them on its
 * own reactor, if the initiator sees it, and then they are copied. Of the reactor of the unit that
 * is written to where nothing else is said.
 */
final class TokenWrite {
    private record Source(UnitNexus nexus, RodToken token) {}

    private final LogicalUnit unit;
    private final UnitNexus to;
    private final byte[] token;
    private final long[] ranges;
    private final long offset;

    /** Where the data come from, once that is known. */
    private @Nullable Source source;

    /**
     * @param ranges offsets and ends in bytes of what is written, one after the other
     * @param offset bytes of the token's data that are passed over
     */
    TokenWrite(Slot slot, byte[] token, long[] ranges, long offset) {
        unit = slot.unit;
        to = slot.nexus();
        this.token = token;
        this.ranges = ranges;
        this.offset = offset;
    }

    /** Has the copy done, or ends it with what is wrong with the token. */
    void begin(CopyOperation operation) {
        to.nexus.look(
                unit.owner(),
                seen -> {
                    UnitNexus holder = holder(seen);
                    if (holder == null) {
                        operation.end(Sense.TOKEN_UNKNOWN);
                    } else {
                        holder.unit.owner().execute(() -> ask(holder, operation));
                    }
                });
    }

    /** The unit that the token is of. */
    private @Nullable UnitNexus holder(List<UnitNexus> seen) {
        UnitNexus holder = null;
        for (UnitNexus candidate : seen) {
            if (candidate.unit.identity().naa() == RodToken.creator(token)) {
                holder = candidate;
            }
        }
        return holder;
    }

    /** On the reactor of the unit that the token is of. */
    private void ask(UnitNexus holder, CopyOperation operation) {
        RodToken found = holder.unit.tokens().use(token);
        int problem = found == null ? Sense.TOKEN_UNKNOWN : found.problem();
        unit.owner()
                .execute(() -> {
                    if (found == null || problem != Sense.NONE) {
                        operation.end(problem);
                    } else {
                        var from = new Source(holder, found);
                        source = from;
                        copy(from, operation);
                    }
                });
    }

    /** The token that was used is good for nothing more. */
    void deleteToken() {
        Source used = source;
        if (used != null) {
            used.nexus().unit.owner().execute(() -> used.token().invalid(Sense.TOKEN_DELETED));
        }
    }

    private void copy(Source from, CopyOperation operation) {
        var segments = new ArrayList<CopySegment>();
        long at = offset;
        for (int i = 0; i < ranges.length; i += 2) {
            long left = ranges[i + 1] - ranges[i];
            long target = ranges[i];
            while (left > 0) {
                CopySegment segment = segment(from, at, target, left);
                if (segment == null) {
                    // More than the token represents.
                    operation.end(Sense.INVALID_FIELD_IN_PARAMETER_LIST);
                    return;
                }
                segments.add(segment);
                at += segment.length();
                target += segment.length();
                left -= segment.length();
            }
        }
        unit.copies().start(operation, segments);
    }

    /** What lies in one piece of what begins at an offset into the token's data. */
    private @Nullable CopySegment segment(Source from, long begin, long target, long left) {
        long[] held = from.token().ranges();
        int block = from.nexus().unit.blockSize();
        long before = 0;
        for (int i = 0; i < held.length; i += 2) {
            long length = held[i + 1] - held[i];
            if (begin < before + length) {
                long inside = begin - before;
                long take = Math.min(left, length - inside);
                boolean whole = take % block == 0 && inside % block == 0;
                boolean fits = take % to.unit.blockSize() == 0;
                return whole && fits
                        ? new CopySegment(
                                from.nexus(), held[i] + inside, to, target, take, from.token())
                        : null;
            }
            before += length;
        }
        return null;
    }
}
