package io.vireo.fabric.storage.move;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A vDisk so large that what is noted of it, a grain, is more than a chunk. */
class CopierTest {
    private static final long CAPACITY = 16L << 40;
    private static final int CHUNK = 64 << 10;
    private static final int BLOCK = 4096;

    /** Keeps what it is given. */
    private static final class Kept implements BlockChannel {
        final List<BlockRequest> requests = new ArrayList<>();

        @Override
        public int free() {
            return 64;
        }

        @Override
        public void submit(BlockRequest request) {
            requests.add(request);
        }

        @Override
        public void cancel(int tag) {
            // It ends when it is told to.
        }

        @Override
        public int poll() {
            return 0;
        }

        @Override
        public int inFlight() {
            return requests.size();
        }

        @Override
        public void onReady(Runnable wake) {
            // Nobody waits.
        }

        @Override
        public boolean arm() {
            return true;
        }

        @Override
        public void disarm() {
            // Nothing was armed.
        }

        @Override
        public void close(Runnable onClosed) {
            onClosed.run();
        }
    }

    /** Else an older read of the same bytes could be written last. */
    @Test
    void copiesNothingTwiceAtATimeWhereTheTargetHasAPartOfAGrain() {
        var source = new Kept();
        var target = new Kept();
        var copier =
                new Copier(
                        source,
                        target,
                        CAPACITY,
                        Optional.of(offset -> Math.max(offset, CHUNK)),
                        (why, _) -> {
                            throw new AssertionError(why);
                        });
        copier.start(0);
        copier.pump(0);
        // All that was begun ends: it is the same.
        List.copyOf(source.requests).forEach(each -> each.complete(BlockStatus.OK));
        List.copyOf(target.requests).forEach(each -> each.complete(BlockStatus.OK));
        assertThat(copier.isIdle()).isTrue();
        source.requests.clear();
        copier.changed(copier.position() - BLOCK, BLOCK);
        copier.pump(0);
        assertThat(source.requests).hasSizeGreaterThan(2);
        source.requests.sort(Comparator.comparingLong(BlockRequest::offset));
        for (int i = 1; i < source.requests.size(); i++) {
            BlockRequest before = source.requests.get(i - 1);
            assertThat(source.requests.get(i).offset())
                    .isGreaterThanOrEqualTo(before.offset() + before.length());
        }
        copier.close();
    }
}
