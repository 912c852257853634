package io.vireo.fabric.storage.move;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Copies a device to another one while its users change it: once from the beginning to the end, at
 * a rate, and again what was changed behind that, at once. On one reactor.
 *
 * <p>A grain that was changed is read after the change has ended; so what is copied last is what is
 * there, however often it changes.
 */
final class Copier {
    private static final int UNITS = 8;

    /** Of these, how many may be on the way through; the others are for what was changed. */
    private static final int UNITS_THROUGH = 5;

    private static final long MOST_GRAINS = 1L << 27;

    /** Whom it tells that it cannot go on. */
    interface Listener {
        void copyFailed(String why, boolean noSpace);
    }

    private final BlockChannel source;
    private final BlockChannel target;
    private final Listener listener;
    private final long capacity;
    private final int grainShift;
    private final GrainMap changed;
    private final CopyUnit[] units = new CopyUnit[UNITS];
    private final Optional<LongUnaryOperator> sameUntil;
    private final Pace pace = new Pace();

    /** Up to where it has begun to copy; what is changed beyond is copied anyway. */
    private long through;

    /** Where changed grains are looked for next. */
    private long cursor;

    private int active;
    private int activeThrough;
    private boolean running;

    /** When the target did something last. */
    private long lastProgress;

    private long now;

    /**
     * @param source channel of the source, for this alone
     * @param target channel of the target, for this alone
     * @param capacity bytes that are copied
     * @param sameUntil up to where, from an offset on, the target is known to hold what the source
     *     does; empty: the target holds nothing, and reads as zeroes
     */
    Copier(
            BlockChannel source,
            BlockChannel target,
            long capacity,
            Optional<LongUnaryOperator> sameUntil,
            Listener listener) {
        this.source = source;
        this.target = target;
        this.capacity = capacity;
        this.listener = listener;
        this.sameUntil = sameUntil;
        int shift = 12;
        while (capacity >>> shift > MOST_GRAINS && 1 << shift < CopyUnit.BYTES) {
            shift++;
        }
        grainShift = shift;
        changed = new GrainMap((capacity + (1L << shift) - 1) >>> shift);
        for (int i = 0; i < UNITS; i++) {
            units[i] = new CopyUnit(this, sameUntil.isPresent());
        }
    }

    /** Begins, or goes on. */
    void start(long nanos) {
        running = true;
        now = nanos;
        lastProgress = nanos;
        pace.restart(nanos);
    }

    /** Begins nothing more; what is under way ends. */
    void stop() {
        running = false;
    }

    /** Bytes per second at which it goes through at most; 0: no bound. */
    void rate(long bytesPerSecond, long nanos) {
        pace.rate(bytesPerSecond, nanos);
    }

    /** A range was changed, and the change has ended. */
    void changed(long offset, long length) {
        long end = Math.min(offset + length, through);
        if (offset < end) {
            changed.set(offset >>> grainShift, (end - 1 >>> grainShift) + 1);
        }
    }

    /** Bytes that were changed and are to be copied again. */
    long backlog() {
        return changed.count() << grainShift;
    }

    /** Whether all of it was copied once, or is being copied. */
    boolean isThrough() {
        return through == capacity;
    }

    /** Up to where it has begun to copy. */
    long position() {
        return through;
    }

    /** Whether the target has what the source has, if nothing is changed meanwhile. */
    boolean isDone() {
        return isThrough() && changed.count() == 0 && active == 0;
    }

    /** Whether nothing is under way. */
    boolean isIdle() {
        return active == 0;
    }

    /** How long the target has done nothing, while it had to. */
    long stalledNanos(long nanos) {
        return active == 0 ? 0 : nanos - lastProgress;
    }

    /** Nanoseconds until the rate lets it go on; 0: now, or when something has ended. */
    long pausedFor(long nanos) {
        return running && !isThrough() && active == 0 && changed.count() == 0
                ? pace.waitNanos(nanos)
                : 0;
    }

    /** Begins what can be begun; returns how much. */
    int pump(long nanos) {
        now = nanos;
        int begun = 0;
        for (CopyUnit unit : units) {
            if (!running || source.free() == 0 || target.free() < UNITS) {
                break;
            }
            begun += skip();
            if (!unit.isActive() && (beginChanged(unit) || beginThrough(unit))) {
                begun++;
            }
        }
        return begun;
    }

    /** Passes what the target has already; what changes there from now on is noted. */
    private int skip() {
        if (sameUntil.isEmpty() || isThrough()) {
            return 0;
        }
        long end = Math.min(capacity, sameUntil.get().applyAsLong(through));
        // Never into a grain: what is changed before that is copied with all of its grain.
        end = end < capacity ? end & -1L << grainShift : end;
        boolean skips = end > through;
        through = Math.max(through, end);
        return skips ? 1 : 0;
    }

    private boolean beginThrough(CopyUnit unit) {
        if (isThrough() || activeThrough >= UNITS_THROUGH || pace.waitNanos(now) > 0) {
            return false;
        }
        long start = through;
        long end = Math.min(capacity, start + CopyUnit.BYTES);
        through = end;
        begin(unit, start, end, true);
        return true;
    }

    private boolean beginChanged(CopyUnit unit) {
        long grain = changed.next(cursor);
        for (int tries = 0; grain >= 0 && tries <= UNITS; tries++) {
            long start = grain << grainShift;
            CopyUnit other = overlapping(start, start + (1L << grainShift));
            if (other == null) {
                begin(unit, start, end(grain), false);
                cursor = unit.end() >>> grainShift;
                return true;
            }
            // It is copied again when what is under way there has ended.
            grain = changed.next((other.end() - 1 >>> grainShift) + 1);
        }
        return false;
    }

    /** The end of the grains from this one on that were changed and are not under way. */
    private long end(long grain) {
        long last = grain + 1;
        long most = Math.max(1, CopyUnit.BYTES >>> grainShift);
        while (last - grain < most
                && last << grainShift < capacity
                && changed.get(last)
                && overlapping(last << grainShift, (last + 1) << grainShift) == null) {
            last++;
        }
        return Math.min(capacity, last << grainShift);
    }

    private @Nullable CopyUnit overlapping(long start, long end) {
        for (CopyUnit unit : units) {
            if (unit.isActive() && unit.start() < end && start < unit.end()) {
                return unit;
            }
        }
        return null;
    }

    private void begin(CopyUnit unit, long start, long end, boolean isThrough) {
        if (active == 0) {
            lastProgress = now;
        }
        active++;
        if (isThrough) {
            activeThrough++;
        } else {
            changed.clear(start >>> grainShift, (end - 1 >>> grainShift) + 1);
        }
        unit.begin(start, (int) (end - start), isThrough);
    }

    void submitRead(BlockRequest request) {
        source.submit(request);
    }

    /** Reads what the target holds. */
    void submitCompare(BlockRequest request) {
        lastProgress = now;
        target.submit(request);
    }

    void submitWrite(BlockRequest request) {
        lastProgress = now;
        target.submit(request);
    }

    void copied(CopyUnit unit, int bytes) {
        active--;
        lastProgress = now;
        if (unit.isThrough()) {
            activeThrough--;
            pace.took(bytes, now);
        }
    }

    void failed(CopyUnit unit, boolean reading, BlockStatus status, long offset) {
        active--;
        if (unit.isThrough()) {
            activeThrough--;
        }
        running = false;
        listener.copyFailed(reason(reading, status, offset), status == BlockStatus.NO_SPACE);
    }

    static String reason(boolean reading, BlockStatus status, long offset) {
        if (status == BlockStatus.NO_SPACE) {
            return "the pool it is moved to is full: make room there";
        }
        return "%s of the pool that it is moved %s failed at %d (%s): check that pool's disks"
                .formatted(
                        reading ? BlockOperation.READ : BlockOperation.WRITE,
                        reading ? "from" : "to",
                        offset,
                        status);
    }

    void close() {
        for (CopyUnit unit : units) {
            unit.close();
        }
        changed.close();
    }
}
