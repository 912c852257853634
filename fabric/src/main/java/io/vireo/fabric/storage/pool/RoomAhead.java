package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import java.util.ArrayList;
import java.util.List;

/**
 * Has members that are files set room aside for the chunks that are taken next for the first time:
 * a write to a hole has the file system look for room, and the kernel has a thread wait for that.
 * Asked for piece by piece, since the file system lets nobody write to the file meanwhile, and
 * never beyond the high-water mark. Nobody waits for it, and nothing depends on it.
 */
final class RoomAhead {
    /** Bytes of a piece. The next is asked for when less than a piece is left. */
    static final long PIECE_BYTES = 64L << 20;

    private final Engine engine;
    private final List<Ahead> members = new ArrayList<>();

    RoomAhead(Engine engine) {
        this.engine = engine;
    }

    /** Asks for what is needed next. */
    int poll() {
        int asked = 0;
        ChunkSpace space = engine.space();
        while (members.size() < space.areas()) {
            members.add(new Ahead());
        }
        for (int i = 0; i < members.size(); i++) {
            ChunkArea area = space.area(i);
            if (!area.isDraining() && members.get(i).ask(i, area)) {
                asked++;
            }
        }
        return asked;
    }

    /** One member's. */
    private final class Ahead {
        private final BlockRequest request = new BlockRequest(0, _ -> busy = false);
        private boolean busy;

        /** The first chunk for which there may be no room yet. */
        private long next;

        boolean ask(int index, ChunkArea area) {
            long piece = PIECE_BYTES >>> engine.chunkShift();
            long from = Math.max(next, area.virgin());
            long to = Math.min(from + piece, area.mark());
            if (busy || from >= to || from - area.virgin() >= piece) {
                return false;
            }
            next = to;
            Member member = engine.members().get(index);
            if (!member.device().operations().contains(BlockOperation.ALLOCATE)) {
                return false;
            }
            busy = true;
            request.prepare(
                    BlockOperation.ALLOCATE,
                    area.dataStart() + (from << engine.chunkShift()),
                    to - from << engine.chunkShift());
            member.submit(request);
            return true;
        }
    }
}
