package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.fabric.storage.format.OpBuffer;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.SumLeaf;
import io.vireo.fabric.storage.map.MapRoot;
import io.vireo.fabric.storage.map.SumMap;
import io.vireo.fabric.storage.queue.Fifo;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The checksums of all volumes that have them. What is in memory is always right, but for blocks
 * whose fate is {@link SumUnit unknown}. What is durable is right too, but for units that are
 * durably marked:
 *
 * <ul>
 *   <li>A chunk that is filled comes with its checksums, in one operation of the journal.
 *   <li>A chunk is changed in place only in units that are marked. After a crash a block there that
 *       does not match its checksum may have been written to or be torn: it is taken as it is, and
 *       counted. Everywhere else it is wrong.
 *   <li>A mark is taken back by the operation that has the checksums, after a flush of the data.
 * </ul>
 */
final class Sums {
    /** After so long without a change a unit's mark is taken back. */
    private static final long QUIET = TimeUnit.SECONDS.toNanos(5);

    private static final long TICK = TimeUnit.SECONDS.toNanos(1);
    private static final long RETRY = TimeUnit.SECONDS.toNanos(60);

    /** Units beyond which those that are quiet are closed at once. */
    private static final int MANY = 1 << 16;

    private final Engine engine;
    private final SumMap map;
    private final int shift;
    private final List<SumUnit> units = new ArrayList<>();
    private final List<SummedOp> ready = new ArrayList<>();
    private final List<SummedOp> now = new ArrayList<>();
    private final SumFindings findings;
    private final List<Rescue> rescues = new ArrayList<>();
    private boolean settling;
    private final Timer ticker;
    private boolean ticking;

    Sums(Engine engine) {
        this.engine = engine;
        map = engine.sumMap();
        shift = engine.chunkShift() - PoolFormat.BLOCK_SHIFT;
        findings = new SumFindings(engine.options().events());
        ticker = engine.members().home().timer(this::tick);
        engine.volumes().all().forEach(this::find);
    }

    Engine engine() {
        return engine;
    }

    SumFindings findings() {
        return findings;
    }

    /** What was marked when the pool was opened is unknown. */
    private void find(Volume volume) {
        VolumeSums checks = volume.checks;
        while (checks != null && !checks.foundMarked().isEmpty()) {
            long block = checks.foundMarked().remove();
            SumUnit unit = checks.unitOf(block);
            if (unit == null) {
                unit = add(new SumUnit(volume, block / SumUnit.BLOCKS));
                unit.durable = true;
            }
            unit.unknown(block, true);
        }
    }

    private SumUnit add(SumUnit unit) {
        checks(unit.volume).add(unit);
        units.add(unit);
        unit.touched = engine.members().home().nanoTime();
        startTicking();
        return unit;
    }

    private static VolumeSums checks(Volume volume) {
        return Objects.requireNonNull(volume.checks);
    }

    private static MapRoot root(Volume volume) {
        return Objects.requireNonNull(volume.sums);
    }

    /** What is stored of a block in memory. */
    static int stored(OwnMemory memory, int offset) {
        return memory.crc32c(offset, PoolFormat.BLOCK) ^ SumLeaf.ZEROES;
    }

    /** Whether a block in memory matches its checksum. */
    boolean matches(Volume volume, long block, OwnMemory memory, int offset) {
        return stored(memory, offset) == map.get(root(volume), block);
    }

    /**
     * Has all blocks of a range be changed in place, which is counted in their units.
     *
     * @return a unit that is not marked durably yet, in which that has to wait; null: none
     */
    @Nullable SumUnit open(Volume volume, long at, long end) {
        SumUnit closed = null;
        long last = end - 1 >>> SumUnit.SHIFT;
        for (long number = at >>> SumUnit.SHIFT; number <= last; number++) {
            SumUnit unit = checks(volume).unit(number);
            if (unit == null) {
                unit = mark(volume, number);
            }
            closed = unit.durable ? closed : unit;
        }
        for (long number = at >>> SumUnit.SHIFT; closed == null && number <= last; number++) {
            Objects.requireNonNull(checks(volume).unit(number)).active++;
        }
        return closed;
    }

    private SumUnit mark(Volume volume, long number) {
        if (units.size() >= MANY) {
            closeQuiet(0);
        }
        SumUnit unit = add(new SumUnit(volume, number));
        map.mark(root(volume), unit.firstBlock(), SumUnit.BLOCKS, true);
        engine.committer().ops().mark(volume.id, unit.firstBlock(), SumUnit.BLOCKS);
        engine.committer()
                .join(success -> {
                    unit.durable = success;
                    engine.path().resume(unit.waiting);
                });
        return unit;
    }

    /** A change in place has ended. */
    void overwritten(Piece piece, boolean success) {
        Volume volume = piece.request().volume();
        long end = piece.at + piece.length;
        for (long number = piece.at >>> SumUnit.SHIFT;
                number <= end - 1 >>> SumUnit.SHIFT;
                number++) {
            SumUnit unit = Objects.requireNonNull(checks(volume).unit(number));
            unit.active--;
            unit.touched = engine.members().home().nanoTime();
        }
        for (long at = piece.at; at < end; at += PoolFormat.BLOCK) {
            long block = at >>> PoolFormat.BLOCK_SHIFT;
            SumUnit unit = Objects.requireNonNull(checks(volume).unitOf(block));
            unit.unknown(block, !success);
            if (success) {
                map.set(root(volume), block, written(piece, at));
                unit.changed(block);
            }
        }
    }

    private static int written(Piece piece, long at) {
        VolumeRequest op = piece.request();
        if (op.operation != BlockOperation.WRITE) {
            return 0;
        }
        SummedOp summed = Objects.requireNonNull(op.summed);
        return summed.written(at);
    }

    /** A chunk has been filled, and is in the map. */
    void filled(Piece piece, long first) {
        Volume volume = piece.request().volume();
        long block = piece.at >>> PoolFormat.BLOCK_SHIFT;
        int count = (int) (piece.length >>> PoolFormat.BLOCK_SHIFT);
        OpBuffer ops = engine.committer().ops();
        long to = ops.fill(volume.id, first, piece.fresh, block, count);
        for (int i = 0; i < count; i++) {
            int value = written(piece, piece.at + ((long) i << PoolFormat.BLOCK_SHIFT));
            NativeMemory.putInt(to + 4L * i, value);
            map.set(root(volume), block + i, value);
        }
        known(volume, piece.at, piece.at + piece.length);
    }

    /** A chunk of the volume is not mapped any more. */
    void unmapped(Volume volume, long first) {
        if (volume.sums == null) {
            return;
        }
        for (long block = first << shift; block < first + 1 << shift; block++) {
            map.set(volume.sums, block, 0);
        }
        known(volume, first << engine.chunkShift(), first + 1 << engine.chunkShift());
    }

    /** Blocks match their checksums. */
    void known(Volume volume, long at, long end) {
        for (long block = at >>> PoolFormat.BLOCK_SHIFT;
                block < end >>> PoolFormat.BLOCK_SHIFT;
                block++) {
            SumUnit unit = checks(volume).unitOf(block);
            if (unit != null) {
                unit.unknown(block, false);
            }
        }
    }

    /** Whether a block may have copies of which another one is read the next time. */
    boolean hasCopies(Volume volume, long block) {
        long entry = engine.tree().find(volume.root, block >>> shift);
        return engine.members().areMirrored() && entry != 0 && !isUnknown(volume, block);
    }

    /** Whether nobody knows whether a block matches. */
    boolean isUnknown(Volume volume, long block) {
        SumUnit unit = checks(volume).unitOf(block);
        return unit != null && unit.isUnknown(block);
    }

    /** Takes a block as it is if nobody knows what it should be. */
    boolean adopt(Volume volume, long block, OwnMemory memory, int offset) {
        SumUnit unit = checks(volume).unitOf(block);
        if (unit == null || !unit.isUnknown(block)) {
            return false;
        }
        map.set(root(volume), block, stored(memory, offset));
        unit.changed(block);
        unit.unknown(block, false);
        return true;
    }

    /** Looks for a copy of a block that does not match, and repairs the others by it. */
    void rescue(Volume volume, long block, OwnMemory memory, int offset, Consumer<Boolean> then) {
        long entry = engine.tree().find(volume.root, block >>> shift);
        if (entry == 0) {
            wrong(volume, block << PoolFormat.BLOCK_SHIFT);
            then.accept(false);
            return;
        }
        rescue(volume, block, entry & PoolFormat.CHUNK_MASK, memory, offset, then);
    }

    private void rescue(
            Volume volume,
            long block,
            long chunk,
            OwnMemory memory,
            int offset,
            Consumer<Boolean> then) {
        long inside = (block & (1L << shift) - 1) << PoolFormat.BLOCK_SHIFT;
        int expected = map.get(root(volume), block);
        var found = new Rescue[1];
        found[0] =
                new Rescue(
                        engine,
                        volume,
                        chunk,
                        inside,
                        expected,
                        outcome -> {
                            ended(found[0]);
                            long at = block << PoolFormat.BLOCK_SHIFT;
                            switch (outcome) {
                                case SOUND -> found[0].copyTo(memory, offset);
                                case REPAIRED -> {
                                    found[0].copyTo(memory, offset);
                                    findings.repaired(volume.name, at);
                                }
                                case LOST -> wrong(volume, at);
                            }
                            then.accept(outcome != Rescue.Outcome.LOST);
                        });
        rescues.add(found[0]);
        found[0].start();
    }

    /** It is told, unless the volume was deleted meanwhile, and its checksums with it. */
    private void wrong(Volume volume, long offset) {
        if (engine.volumes().find(volume.id) == volume) {
            findings.wrong(volume.name, offset);
        }
    }

    private void ended(Rescue rescue) {
        rescues.remove(rescue);
        engine.path().resume(rescue.waiting);
    }

    /**
     * What changes in place have to wait for, since a copy of one of neighbouring chunks may be
     * written anew for another volume, which had it too; null: nothing.
     */
    @Nullable Fifo<Piece> repaired(Volume volume, long first, long last) {
        for (int i = 0; i < rescues.size(); i++) {
            if (rescues.get(i).bars(volume, first, last)) {
                return rescues.get(i).waiting;
            }
        }
        return null;
    }

    /**
     * A chunk that is copied has been read. What does not match is taken from another copy; if
     * there is none it is copied as it is, and does not match where it is then.
     */
    void verifyCopy(Piece piece) {
        verifyCopy(piece, 0);
    }

    private void verifyCopy(Piece piece, int from) {
        Volume volume = piece.request().volume();
        long first = piece.at >>> engine.chunkShift() << shift;
        OwnMemory bounce = Objects.requireNonNull(piece.bounce);
        for (int i = from; i < 1 << shift; i++) {
            long block = first + i;
            long at = block << PoolFormat.BLOCK_SHIFT;
            int offset = i << PoolFormat.BLOCK_SHIFT;
            boolean replaced = at >= piece.at && at < piece.at + piece.length;
            if (!replaced && !isUnknown(volume, block) && !matches(volume, block, bounce, offset)) {
                int next = i + 1;
                rescue(volume, block, piece.shared, bounce, offset, _ -> verifyCopy(piece, next));
                return;
            }
        }
        engine.path().writeCopy(piece);
    }

    /** A request gives its blocks back. */
    void unlock(VolumeSums checks, SummedOp op) {
        checks.unlock(op, ready);
        if (!ready.isEmpty()) {
            engine.members().wake();
        }
    }

    /** A request waits for a barrier. */
    void later(SummedOp op) {
        ready.add(op);
    }

    /** Goes on with requests whose blocks are locked now. */
    int pollReady() {
        if (ready.isEmpty()) {
            return 0;
        }
        now.addAll(ready);
        ready.clear();
        int count = now.size();
        for (int i = 0; i < count; i++) {
            now.get(i).begin();
        }
        now.clear();
        return count - Math.min(count, ready.size());
    }

    /** Looks at blocks that are unknown, a unit at a time. */
    int poll() {
        if (settling || units.isEmpty()) {
            return 0;
        }
        long time = engine.members().home().nanoTime();
        for (int i = 0; i < units.size(); i++) {
            SumUnit unit = units.get(i);
            if (unit.hasUnknown() && unit.active == 0 && time - unit.retryAt >= 0) {
                learn(unit);
                return 1;
            }
        }
        return 0;
    }

    private void learn(SumUnit unit) {
        settling = true;
        long first = unit.nextUnknown(unit.firstBlock());
        long last = first;
        for (long at = first; at >= 0; ) {
            last = at;
            at = at + 1 < unit.firstBlock() + SumUnit.BLOCKS ? unit.nextUnknown(at + 1) : -1;
        }
        unit.retryAt = engine.members().home().nanoTime() + RETRY;
        readOwn(
                unit.volume,
                first << PoolFormat.BLOCK_SHIFT,
                last - first + 1 << PoolFormat.BLOCK_SHIFT,
                false,
                _ -> settling = false);
    }

    /**
     * Reads blocks of a volume, and verifies them; what is wrong is told.
     *
     * @param allCopies whether to look at each copy of each block
     */
    void readOwn(
            Volume volume, long at, long length, boolean allCopies, Consumer<VolumeRequest> then) {
        var op = new VolumeRequest(new VolumeChannel(engine, volume, () -> {}));
        var request = new BlockRequest(0, _ -> {});
        op.begin(request.prepare(BlockOperation.READ, at, length));
        Objects.requireNonNull(op.summed)
                .readOwn(
                        allCopies,
                        () -> {
                            then.accept(op);
                            engine.members().wake();
                        });
    }

    /** Whether it waits for members itself. */
    boolean isBusy() {
        return settling || !rescues.isEmpty();
    }

    private void startTicking() {
        if (!ticking) {
            ticking = true;
            ticker.start(TICK);
        }
    }

    private void tick() {
        ticking = false;
        if (engine.health().isFrozen()) {
            return;
        }
        closeQuiet(QUIET);
        if (!units.isEmpty()) {
            startTicking();
        }
        engine.members().wake();
    }

    private void closeQuiet(long quiet) {
        long time = engine.members().home().nanoTime();
        for (int i = units.size() - 1; i >= 0; i--) {
            SumUnit unit = units.get(i);
            if (time - unit.touched >= quiet && mayClose(unit)) {
                close(unit);
            }
        }
    }

    private static boolean mayClose(SumUnit unit) {
        return unit.durable && unit.active == 0 && unit.waiting.isEmpty() && !unit.hasUnknown();
    }

    /** Before the end of the pool: all that can be certain is. */
    void settleAll() {
        for (SumUnit unit : List.copyOf(units)) {
            if (mayClose(unit)) {
                close(unit);
            }
        }
    }

    private void close(SumUnit unit) {
        tell(unit, SumUnit.BLOCKS);
        map.mark(root(unit.volume), unit.firstBlock(), SumUnit.BLOCKS, false);
        checks(unit.volume).remove(unit);
        units.remove(unit);
    }

    /** Appends the checksums that have changed, of which so many blocks' are certain. */
    private void tell(SumUnit unit, int certain) {
        int count = Math.max(0, unit.end - unit.from);
        long block = unit.firstBlock() + (count == 0 ? 0 : unit.from);
        long to =
                engine.committer()
                        .ops()
                        .settle(unit.volume.id, unit.firstBlock(), certain, block, count);
        for (int i = 0; i < count; i++) {
            NativeMemory.putInt(to + 4L * i, map.get(root(unit.volume), block + i));
        }
        unit.from = SumUnit.BLOCKS;
        unit.end = 0;
    }

    /** A volume is about to be copied; nothing changes it now. */
    void settleForCopy(Volume volume) {
        for (SumUnit unit : List.copyOf(units)) {
            if (unit.volume != volume) {
                continue;
            }
            if (unit.hasUnknown()) {
                tell(unit, 0);
            } else {
                close(unit);
            }
        }
    }

    /** A volume that had no checksums has those of another one. */
    void copied(Volume from, Volume to) {
        if (from.sums == null || to.sums == null) {
            return;
        }
        map.tree().copy(from.sums, to.sums);
        for (SumUnit unit : List.copyOf(units)) {
            if (unit.volume == from) {
                SumUnit copy = add(new SumUnit(to, unit.number));
                copy.durable = true;
                for (long at = unit.nextUnknown(unit.firstBlock()); at >= 0; ) {
                    copy.unknown(at, true);
                    at =
                            at + 1 < unit.firstBlock() + SumUnit.BLOCKS
                                    ? unit.nextUnknown(at + 1)
                                    : -1;
                }
            }
        }
    }

    /** A volume has no checksums any more: it is gone, or about to be another one's copy. */
    void dropped(Volume volume) {
        if (volume.sums == null) {
            return;
        }
        for (SumUnit unit : List.copyOf(units)) {
            if (unit.volume == volume) {
                checks(volume).remove(unit);
                units.remove(unit);
            }
        }
        map.drop(volume.sums);
    }

    /** After the last request. */
    void close() {
        ticker.cancel();
        units.clear();
    }
}
