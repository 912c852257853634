package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.JournalPlace;
import io.vireo.fabric.storage.format.JournalPoint;
import io.vireo.fabric.storage.format.MemberEntry;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.map.MapTree;
import io.vireo.fabric.storage.map.PageStore;
import io.vireo.fabric.storage.map.SumMap;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.reactor.Timer;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A pool that is open: what its parts have in common, and its turn. Of the home reactor. */
final class Engine {
    private static final Logger LOG = System.getLogger(Engine.class.getName());

    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final MemberSet members;
    private final PoolOptions options;
    private final Optional<SurvivingOps> surviving;
    private final int chunkShift;
    private final PageStore pages;
    private final MapTree tree;
    private final Epochs epochs;
    private final ChunkSpace space;
    private final SumMap sumMap;
    private final Sums sums;
    private final Scrub scrub;
    private final ChunkPlaces places;
    private final CopyChecks copyChecks;
    private final MetaSpace meta;
    private final Superblocks superblocks;
    private final OwnerWatch watch;
    private final JournalWriter journal;
    private final Checkpointer checkpointer;
    private final Committer committer;
    private final Cleaner cleaner;
    private final RoomAhead roomAhead;
    private final Reclaim reclaim;
    private final Drain drain;
    private final DataPath path;
    private final WriteBuffers writeBuffers = new WriteBuffers();

    /** Others: writes may hold theirs for as long as there is no room, and reads go on then. */
    private final WriteBuffers readBuffers = new WriteBuffers();

    private final KeyErasure erasure;
    private final Map<Long, Volume> volumes;
    private final List<Volume> dedicated = new ArrayList<>();

    private final HeldWrites held;
    private long nextVolume;
    private int features;
    private boolean frozen;
    private final Timer ticker;
    private boolean ticking;
    private Optional<MemberEntry> joining = Optional.empty();
    private long pendingSince;
    private @Nullable Runnable onQuiet;
    private volatile String trouble = "";

    /**
     * @param superblocks that say that we own the pool
     */
    Engine(
            LoadedPool loaded,
            Superblocks superblocks,
            PoolOptions options,
            Optional<SurvivingOps> surviving) {
        this.surviving = surviving;
        members = loaded.members();
        ticker = members.home().timer(this::tick);
        this.options = options;
        held = new HeldWrites(this, options.holdWhenFull());
        this.superblocks = superblocks;
        watch = new OwnerWatch(members, superblocks, this::lose);
        Superblock superblock = superblocks.current();
        chunkShift = superblock.chunkShift();
        pages = loaded.pages();
        tree = loaded.tree();
        epochs = loaded.epochs();
        space = loaded.space();
        sumMap = loaded.sums();
        features = superblock.features();
        meta = loaded.meta();
        volumes = new LinkedHashMap<>(loaded.volumes());
        volumes.values().stream().filter(v -> v.dedicated).forEach(dedicated::add);
        nextVolume = loaded.nextVolume();
        JournalPoint head = loaded.head();
        journal = new JournalWriter(members, superblock, head, this::journalFlushed);
        checkpointer = new Checkpointer(this, superblocks, loaded.catalog());
        committer = new Committer(this, journal, checkpointer);
        cleaner = new Cleaner(this);
        roomAhead = new RoomAhead(this);
        reclaim = new Reclaim(this);
        drain = new Drain(this);
        path = new DataPath(this);
        sums = new Sums(this);
        scrub = new Scrub(this);
        erasure = new KeyErasure(this);
        places = new ChunkPlaces(this);
        copyChecks = new CopyChecks(this);
        if (!loaded.damage().isEmpty()) {
            freeze(
                    loaded.damage()
                            + "; the pool is open for reading only: copy its volumes away and check its disks");
        }
        members.onTurn(this::turn);
        for (int i = 0; i < members.count(); i++) {
            copyChecks.watch(i);
        }
        superblocks.onLost(watch::lost);
        if (superblock.owner().isSomebody() && !frozen) {
            watch.start();
        }
    }

    private void journalFlushed(boolean success) {
        committer.journalFlushed(success);
    }

    MemberSet members() {
        return members;
    }

    PoolOptions options() {
        return options;
    }

    /** Where operations outlive the process. */
    Optional<SurvivingOps> surviving() {
        return surviving;
    }

    int chunkShift() {
        return chunkShift;
    }

    PageStore pages() {
        return pages;
    }

    MapTree tree() {
        return tree;
    }

    Epochs epochs() {
        return epochs;
    }

    SumMap sumMap() {
        return sumMap;
    }

    Scrub scrub() {
        return scrub;
    }

    Sums sums() {
        return sums;
    }

    /** At which place of volumes chunks are. */
    ChunkPlaces places() {
        return places;
    }

    /** What mirrors are told of what they copy. */
    CopyChecks copyChecks() {
        return copyChecks;
    }

    /** Features of the pool from the next checkpoint on. */
    int features() {
        return features;
    }

    boolean has(int feature) {
        return (features & feature) != 0;
    }

    void addFeature(int feature) {
        features |= feature;
    }

    ChunkSpace space() {
        return space;
    }

    MetaSpace meta() {
        return meta;
    }

    JournalWriter journal() {
        return journal;
    }

    Checkpointer checkpointer() {
        return checkpointer;
    }

    Committer committer() {
        return committer;
    }

    DataPath path() {
        return path;
    }

    /** What waits for room. */
    HeldWrites held() {
        return held;
    }

    /** Whether what clients write has to be copied first. */
    boolean copiesWrites() {
        return members.areMirrored();
    }

    WriteBuffers writeBuffers() {
        return writeBuffers;
    }

    /** Memory for what is read and has to be deciphered. */
    WriteBuffers readBuffers() {
        return readBuffers;
    }

    /** What overwrites wrapped keys that are not needed any more. */
    KeyErasure erasure() {
        return erasure;
    }

    Cleaner cleaner() {
        return cleaner;
    }

    /** What gives back what deleted volumes had. */
    Reclaim reclaim() {
        return reclaim;
    }

    Drain drain() {
        return drain;
    }

    /** The journal is somewhere else, durably; what it was in is free. */
    void moved(JournalPlace to) {
        JournalPlace old = journal.place();
        long chunks = ChunkSpace.chunksOf(journal.ringBytes(), chunkShift);
        if (old.isInChunks()) {
            long first = old.offset() - space.area(old.member()).dataStart() >> chunkShift;
            for (long i = first; i < first + chunks; i++) {
                space.giveBack(PoolFormat.chunk(old.member(), i));
            }
        }
        journal.moved(to);
        if (!old.isInChunks()) {
            erasure.leftFirst();
        }
    }

    /** A member that was drained is not in the table any more, durably. */
    void left(int member) {
        space.remove(member);
        drain.left();
    }

    Superblocks superblocks() {
        return superblocks;
    }

    Collection<Volume> volumes() {
        return volumes.values();
    }

    /** A volume by its number; null: there is none. */
    @Nullable Volume volume(long number) {
        return volumes.get(number);
    }

    void addVolume(Volume volume) {
        if (volume.dedicated) {
            dedicated.add(volume);
        }
        volumes.put(volume.id, volume);
        nextVolume = Math.max(nextVolume, volume.id + 1);
    }

    void removeVolume(Volume volume) {
        dedicated.remove(volume);
        List.copyOf(volume.limits).forEach(limit -> limit.remove(volume));
        limitsChanged();
        volume.forget();
        volumes.remove(volume.id);
    }

    /** The number that the next volume gets. */
    long nextVolume() {
        return nextVolume;
    }

    long takeNumber() {
        return nextVolume++;
    }

    /** Whether the pool takes no changes: it is poisoned, damaged or closing. */
    boolean isFrozen() {
        return frozen;
    }

    /** What is wrong and what to do; empty: nothing. Any thread. */
    String trouble() {
        return trouble;
    }

    /**
     * Something failed after which nobody knows what the members hold: no change is taken any more.
     */
    void poison(String what) {
        freeze(
                what
                        + "; writes to the pool fail from now on, reads go on: check its disks, then restart Vireo");
    }

    /**
     * Somebody else has the pool. What it does with the chunks nobody knows here, so not even reads
     * go on.
     */
    private void lose(PoolOwner to) {
        freeze(
                "%s: %s has it, and all I/O of it fails here from now on; to have it here again stop Vireo there, or delete the pool there, then restart Vireo here"
                        .formatted(Superblocks.LOST, to));
        members.lose(Superblocks.LOST);
    }

    /** Whether somebody else has the pool. */
    boolean isLost() {
        return members.fence().isLost();
    }

    private void freeze(String sentence) {
        if (frozen) {
            return;
        }
        frozen = true;
        trouble = sentence;
        LOG.log(Level.ERROR, "storage pool: " + sentence);
        options.events().trouble(sentence);
        committer.fail();
        erasure.fail();
        held.fail();
    }

    /** Something is wrong, but the pool goes on. */
    void alarm(String sentence) {
        LOG.log(Level.WARNING, "storage pool: " + sentence);
        options.events().trouble(sentence);
    }

    /** Chunks that data must leave alone so that metadata always finds room. */
    long reserve() {
        long fixed = Math.max(4, space.total() / 50);
        // What the next checkpoint takes before it gives anything back.
        return fixed + meta.chunksFor(checkpointer.blocksNeeded() + 64);
    }

    /** Whether a volume may take one more chunk. */
    boolean mayAllocate(Volume volume) {
        long reserved = volume.dedicated && unmet(volume) > 0 ? 0 : unmet();
        return space.unused() > reserve() + reserved;
    }

    /** Whether a volume may map one more chunk, for all that bounds it together with others. */
    boolean isWithinLimits(Volume volume) {
        for (int i = 0; i < volume.limits.size(); i++) {
            if (!volume.limits.get(i).allows(chunkShift)) {
                return false;
            }
        }
        return true;
    }

    /** A limit is another one, or is for others: what waits for room is looked at again. */
    void limitsChanged() {
        held.limitsChanged();
        members.wake();
    }

    /** Chunks that dedicated volumes have not taken yet. */
    long unmet() {
        long sum = 0;
        for (int i = 0; i < dedicated.size(); i++) {
            sum += unmet(dedicated.get(i));
        }
        return sum;
    }

    private long unmet(Volume volume) {
        return volume.dedicated ? Math.max(0, chunks(volume.capacity) - volume.root.mapped()) : 0;
    }

    long chunks(long bytes) {
        return (bytes + (1L << chunkShift) - 1) >>> chunkShift;
    }

    /** Has a piece wait until there is room. */
    void waitForRoom(Piece piece) {
        held.add(piece);
        if (space.dropped() > 0) {
            committer.commit();
        }
        startTicking();
        members.wake();
    }

    /** What is done in each turn of the reactor beside the members' completions. */
    private int turn() {
        int work = path.poll() + sums.pollReady() + places.poll();
        if (!frozen) {
            work += keepSpace();
            work += committer.poll();
            work += cleaner.poll();
            work += roomAhead.poll();
            work += drain.poll();
            work += sums.poll();
            work += scrub.poll();
            work += copyChecks.poll();
            work += erasure.poll();
            if (!ticking && committer.pendingBytes() > 0) {
                pendingSince = members.home().nanoTime();
                startTicking();
            }
        }
        Runnable quiet = onQuiet;
        if (quiet != null && isQuiet()) {
            onQuiet = null;
            quiet.run();
        }
        return work;
    }

    private int keepSpace() {
        int work = reclaim.poll();
        if (space.dropped() > 0 && !committer.isBusy() && committer.pendingBytes() == 0) {
            // Whatever dropped them is durable already.
            reclaim.seal();
            reclaim.sealedIsDurable();
            work++;
        }
        work += space.age();
        if (raiseMarks()) {
            committer.commit();
            work++;
        }
        if (checkpointer.isWanted() && !checkpointer.isRunning() && !committer.isBusy()) {
            committer.commit();
            work++;
        }
        return work + held.retry();
    }

    /** Has marks be raised with the next round where they will be needed; whether there are any. */
    boolean raiseMarks() {
        boolean raised = false;
        long needed = meta.chunksFor(checkpointer.blocksNeeded());
        for (int i = 0; i < space.areas(); i++) {
            long mark = space.area(i).propose(needed);
            if (mark >= 0) {
                committer.ops().highWater(i, mark);
                raised = true;
            }
        }
        return raised;
    }

    private void startTicking() {
        if (!ticking) {
            ticking = true;
            ticker.start(TICK_NANOS);
        }
    }

    private void tick() {
        ticking = false;
        long now = members.home().nanoTime();
        if (frozen) {
            return;
        }
        boolean old = now - pendingSince >= options.commitAfter().toNanos();
        if (committer.pendingBytes() > 0 && old) {
            pendingSince = now;
            committer.commit();
        }
        held.giveUpOld(now);
        if (committer.pendingBytes() > 0 || !held.isEmpty()) {
            startTicking();
        }
        members.wake();
    }

    /** Runs when nothing of the pool's own is under way; all channels are closed. */
    void whenQuiet(Runnable quiet) {
        onQuiet = quiet;
        members.wake();
    }

    private boolean isQuiet() {
        return !trouble.isEmpty()
                || !committer.hasIo()
                        && !checkpointer.hasIo()
                        && !cleaner.isBusy()
                        && !erasure.isRunning()
                        && !drain.isBusy()
                        && !sums.isBusy()
                        && !scrub.isBusy()
                        && !copyChecks.isBusy();
    }

    /** No change is taken any more, without anything being wrong. */
    void stop() {
        frozen = true;
    }

    /** Whether the pool is ours. */
    OwnerWatch watch() {
        return watch;
    }

    /** Gives memory back; the members are closed. */
    void release() {
        ticker.cancel();
        committer.close();
        checkpointer.close();
        journal.close();
        superblocks.close();
        watch.close();
        drain.close();
        scrub.close();
        places.close();
        path.close();
        erasure.close();
        volumes.values().forEach(Volume::forget);
        writeBuffers.close();
        readBuffers.close();
        pages.close();
        sums.close();
        sumMap.close();
        space.close();
    }

    /** Looks for members that are larger than what is used of them. */
    void planGrowth(boolean zeroed) {
        for (int i = 0; i < space.areas(); i++) {
            ChunkArea area = space.area(i);
            if (area.chunks() == 0 || area.isDraining()) {
                continue;
            }
            if (members.get(i).device() instanceof MirrorDevice mirror && !mirror.isWhole()) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "mirror %s has not all its copies, and cannot grow before it has"
                                .formatted(mirror.set()));
            }
            long capacity = members.get(i).device().geometry().capacity();
            long chunks = capacity - area.dataStart() >>> chunkShift;
            area.plan(Math.min(chunks, ChunkArea.MAX_CHUNKS), zeroed);
        }
    }

    /** The member that the next checkpoint is to add. */
    Optional<MemberEntry> joining() {
        return joining;
    }

    /** The last of the members, which has a superblock, is to belong to the pool. */
    void join(MemberEntry entry) {
        superblocks.join();
        joining = Optional.of(entry);
    }

    /** It belongs to the pool durably: its chunks can be used. */
    void joined(MemberEntry entry) {
        joining = Optional.empty();
        var area = new ChunkArea(entry.dataStart(), entry.chunks(), 0);
        if (entry.highWater() > 0) {
            area.replayMark(entry.highWater());
            area.foundUnused(false);
        }
        space.addArea(area);
        members.wake();
    }

    PoolStatus status() {
        return new PoolStatus(
                1 << chunkShift,
                space.total(),
                space.unused(),
                space.ready(),
                reserve() + unmet(),
                meta.chunks(),
                cleaner.broken(),
                pages.size() + sumMap.pages().size(),
                pages.dirty() + sumMap.pages().dirty(),
                journal.used(),
                superblocks.current().generation());
    }
}
