package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockRequest;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Changes that are in the same state, such as under way on the legs; each is in one at most. */
final class Changes {
    private @Nullable MirrorRequest[] all = new MirrorRequest[16];
    private int count;

    void enter(MirrorRequest op) {
        if (count == all.length) {
            all = Arrays.copyOf(all, count * 2);
        }
        op.place = count;
        all[count++] = op;
    }

    void leave(MirrorRequest op) {
        MirrorRequest last = Objects.requireNonNull(all[--count]);
        last.place = op.place;
        all[op.place] = last;
        all[count] = null;
    }

    /** Whether one of them changes something of a region. */
    boolean reach(int region) {
        for (int i = 0; i < count; i++) {
            MirrorRequest op = Objects.requireNonNull(all[i]);
            if (op.first <= region && region <= op.last) {
                return true;
            }
        }
        return false;
    }

    /** Whether one of them changes some of the same bytes. */
    boolean overlap(BlockRequest request) {
        long end = request.offset() + request.length();
        for (int i = 0; i < count; i++) {
            BlockRequest other = Objects.requireNonNull(all[i]).client();
            if (other.offset() < end && request.offset() < other.offset() + other.length()) {
                return true;
            }
        }
        return false;
    }
}
