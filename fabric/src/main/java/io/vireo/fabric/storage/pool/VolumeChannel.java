package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.crypto.VolumeCipher;
import java.util.ArrayDeque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A front end's way into a volume. What the engine has ended waits here until the front end polls:
 * the client's memory is touched then, and only then, so that its loss cuts off nobody's turn but
 * the front end's own.
 */
final class VolumeChannel implements BlockChannel {
    private static final int DEPTH = 256;

    /** Chunks that are looked at in one go when it is asked what is mapped. */
    private static final long MAX_LOOK = 1 << 14;

    private final Engine engine;
    private final Volume volume;
    private final BlockMeter meter = new BlockMeter();
    private final Runnable whenGone;
    private final VolumeRequest[] all = new VolumeRequest[DEPTH];
    private final VolumeRequest[] spare = new VolumeRequest[DEPTH];
    private int spares;
    private int made;
    private final VolumeRequest[] done = new VolumeRequest[DEPTH];
    private int doneHead;
    private int doneTail;

    /** Requests whose data is to be in memory of our own, and is not yet. */
    private final ArrayDeque<VolumeRequest> toCopy = new ArrayDeque<>();

    /** What there may be room for now, whose data is to be copied anew. */
    private final ArrayDeque<Piece> toRenew = new ArrayDeque<>();

    /** Writes whose data is to be looked at, and is not yet. */
    private final ArrayDeque<VolumeRequest> toLookAt = new ArrayDeque<>();

    /** Reads that are deciphered and wait for memory of ours. */
    private final ArrayDeque<VolumeRequest> toRead = new ArrayDeque<>();

    private Runnable wake = () -> {};
    private @Nullable Runnable onClosed;

    VolumeChannel(Engine engine, Volume volume, Runnable whenGone) {
        this.engine = engine;
        this.volume = volume;
        this.whenGone = whenGone;
    }

    Volume volume() {
        return volume;
    }

    Sums sums() {
        return engine.sums();
    }

    int chunkShift() {
        return engine.chunkShift();
    }

    BlockMeter meter() {
        return meter;
    }

    @Override
    public int free() {
        return DEPTH - inFlight();
    }

    @Override
    public int inFlight() {
        return made - spares;
    }

    @Override
    public void submit(BlockRequest request) {
        VolumeRequest op;
        if (spares > 0) {
            op = spare[--spares];
        } else if (made < DEPTH) {
            op = new VolumeRequest(this);
            all[made++] = op;
        } else {
            throw new IllegalStateException("more requests than free() allowed");
        }
        op.begin(request);
        BlockOperation operation = request.operation();
        boolean encrypted = volume.cipher != null;
        if (op.summed != null
                || operation == BlockOperation.WRITE && (encrypted || engine.copiesWrites())) {
            toCopy.add(op);
        } else if (operation == BlockOperation.READ && encrypted) {
            toRead.add(op);
            beginReads();
        } else if (operation == BlockOperation.WRITE && volume.zeroDetection) {
            toLookAt.add(op);
        } else {
            engine.path().submit(op);
        }
        engine.members().wake();
    }

    /** Begins reads of an encrypted volume: they go to memory of ours first. */
    private int beginReads() {
        int work = 0;
        for (VolumeRequest op = toRead.peek(); op != null; op = toRead.peek()) {
            if (!engine.readBuffers().has(op.buffersNeeded())) {
                break;
            }
            toRead.remove();
            op.takeRoom(engine.readBuffers());
            engine.path().submit(op);
            work++;
        }
        return work;
    }

    /** Copies what clients write, where it has to be; it is taken off when its memory was there. */
    private int copyWrites() {
        int work = renewWrites();
        for (VolumeRequest op = toCopy.peek(); op != null && mayCopy(op); op = toCopy.peek()) {
            boolean there = copy(op);
            toCopy.remove();
            work++;
            if (there) {
                begin(op);
            } else {
                op.fail(BlockStatus.MEMORY_FAULT);
                done(op);
            }
        }
        return work;
    }

    /** The same of what had given its memory back; it came first. */
    private int renewWrites() {
        int work = 0;
        for (Piece piece = toRenew.peek(); piece != null; piece = toRenew.peek()) {
            VolumeRequest op = piece.request();
            if (!mayCopy(op)) {
                break;
            }
            boolean there = copy(op);
            toRenew.remove();
            work++;
            if (there) {
                engine.path().renewed(piece);
            } else {
                engine.path().giveUp(piece, BlockStatus.MEMORY_FAULT);
            }
        }
        return work;
    }

    private boolean mayCopy(VolumeRequest op) {
        return engine.writeBuffers().has(op.buffersNeeded());
    }

    private boolean copy(VolumeRequest op) {
        boolean there = op.copyData(engine.writeBuffers());
        VolumeCipher cipher = volume.cipher;
        if (there && cipher != null && op.summed == null) {
            cipher.encrypt(op.data(), op.request().offset());
        }
        return there;
    }

    /** There may be room for what gave its memory back. */
    void renew(Piece piece) {
        toRenew.add(piece);
        wake.run();
    }

    /** Looks at what clients write; it is taken off when its memory was there. */
    private int lookAtWrites() {
        int work = 0;
        for (VolumeRequest op = toLookAt.peek(); op != null; op = toLookAt.peek()) {
            boolean there = op.findZeroes();
            toLookAt.remove();
            work++;
            if (there) {
                engine.path().submit(op);
            } else {
                op.fail(BlockStatus.MEMORY_FAULT);
                done(op);
            }
        }
        return work;
    }

    private void begin(VolumeRequest op) {
        SummedOp summed = op.summed;
        if (summed == null) {
            engine.path().submit(op);
        } else {
            summed.submit();
        }
    }

    /** The engine has ended a request. */
    void done(VolumeRequest op) {
        done[doneTail++ & DEPTH - 1] = op;
        wake.run();
    }

    @Override
    public long mapped(long offset, long length) {
        int shift = engine.chunkShift();
        long first = offset >>> shift;
        long end = Math.min(ChunkSpace.chunksOf(offset + length, shift), first + MAX_LOOK);
        if (engine.tree().find(volume.root, first) == 0) {
            long mapped = engine.tree().nextMapped(volume.root, first, end);
            return -(Math.min(offset + length, mapped << shift) - offset);
        }
        long last = first + 1;
        while (last < end && engine.tree().find(volume.root, last) != 0) {
            last++;
        }
        return Math.min(offset + length, last << shift) - offset;
    }

    @Override
    public void cancel(int tag) {
        // What is on its way to the members ends soon enough, if it does not come to wait later.
        for (int i = 0; i < made; i++) {
            all[i].takenBack |= all[i].active && all[i].request().tag() == tag;
        }
        cancelHeld(tag);
    }

    @Override
    public void cancelHeld(int tag) {
        engine.held().cancel(this, tag);
        for (Piece piece : toRenew) {
            if (piece.request().request().tag() == tag) {
                toRenew.remove(piece);
                engine.path().giveUp(piece, BlockStatus.CANCELLED);
                break;
            }
        }
    }

    @Override
    public int poll() {
        int work = beginReads() + lookAtWrites() + copyWrites() + engine.members().poll();
        int ended = doneTail - doneHead;
        for (int left = ended; left > 0; left--) {
            // Taken only when the client's memory was there: its loss cuts the turn off.
            VolumeRequest op = Objects.requireNonNull(done[doneHead & DEPTH - 1]);
            BlockRequest request = op.request();
            VolumeCipher cipher = volume.cipher;
            SummedOp summed = op.summed;
            if (summed != null) {
                summed.takeOut();
            } else if (cipher != null && request.operation() == BlockOperation.READ) {
                op.deliver(cipher);
            } else {
                op.zeroHoles();
            }
            doneHead++;
            op.dropCopy();
            op.active = false;
            spare[spares++] = op;
            meter.count(request, op.status);
            request.complete(op.status);
        }
        closeIfDrained();
        return work + ended;
    }

    @Override
    public void onReady(Runnable newWake) {
        wake = newWake;
    }

    @Override
    public boolean arm() {
        boolean waits = !toLookAt.isEmpty() || !toCopy.isEmpty() || !toRead.isEmpty();
        if (doneHead != doneTail || waits || !toRenew.isEmpty()) {
            return false;
        }
        // Polling the members took their wish for a wake-up back: they have to look for themselves.
        engine.members().wake();
        return true;
    }

    @Override
    public void disarm() {
        // A wake-up too many does no harm.
    }

    @Override
    public void close(Runnable whenClosed) {
        onClosed = whenClosed;
        closeIfDrained();
    }

    private void closeIfDrained() {
        Runnable closed = onClosed;
        if (closed != null && inFlight() == 0) {
            onClosed = null;
            whenGone.run();
            closed.run();
        }
    }
}
