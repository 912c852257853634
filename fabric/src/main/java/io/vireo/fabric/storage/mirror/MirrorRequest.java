package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.queue.Fifo;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A request on its way through the legs. Used again and again. */
final class MirrorRequest extends Fifo.Link<MirrorRequest> {
    private final BlockRequest[] io = new BlockRequest[MirrorHeader.MAX_LEGS];
    private @Nullable BlockRequest client;

    /** Legs that it was given to, that did it, and that did not. */
    int sent;

    int done;
    int failed;

    /** Legs that have failed since this was given to them. */
    final Departures departures = new Departures();

    int outstanding;

    /** How the first leg that did not do it ended. */
    BlockStatus failure = BlockStatus.OK;

    /** Regions of a change. */
    int first;

    int last;

    /** Where it is among the changes that are under way, or that wait for a copy. */
    int place;

    /** Whether it waits for the end of a copy. */
    boolean waitsForCopy;

    /** Of a read: from here on nothing is known to be equal. */
    long cursor;

    /** Of a flush: its number. */
    int number;

    MirrorRequest(MirrorChannel channel) {
        for (int i = 0; i < io.length; i++) {
            int leg = i;
            io[i] = new BlockRequest(i, ended -> channel.legEnded(this, leg, ended.status()));
        }
    }

    void begin(@Nullable BlockRequest newClient) {
        client = newClient;
        sent = 0;
        done = 0;
        failed = 0;
        outstanding = 0;
        failure = BlockStatus.OK;
        cursor = newClient == null ? 0 : newClient.offset();
    }

    /** Legs that it was not given to, or that have failed since, be they back or not. */
    int away(Legs legs) {
        return ~sent | departures.since(legs);
    }

    /** Whether it is the mirror's own flush. */
    boolean isOwn() {
        return client == null;
    }

    /** Whether it is a flush, the mirror's own or not. */
    boolean isFlush() {
        BlockRequest whole = client;
        return whole == null || whole.operation() == BlockOperation.FLUSH;
    }

    BlockRequest client() {
        return Objects.requireNonNull(client);
    }

    /** What a leg is asked for it. */
    BlockRequest prepare(int leg) {
        BlockRequest request = io[leg];
        BlockRequest whole = client;
        if (whole == null || isFlush()) {
            return request.prepare(BlockOperation.FLUSH, 0, 0);
        }
        request.prepare(whole.operation(), MirrorHeader.DATA + whole.offset(), whole.length());
        request.forceUnitAccess(whole.forceUnitAccess()).unmap(whole.unmap());
        request.lease(whole.lease()).foreign(whole.isForeign());
        if (whole.operation() != BlockOperation.WRITE_ZEROES) {
            request.data().addSlice(whole.data(), 0, whole.length());
        }
        return request;
    }
}
