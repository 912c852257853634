package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.JournalPlace;
import io.vireo.fabric.storage.format.JournalPoint;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.map.MapTree;
import io.vireo.fabric.storage.map.PageStore;
import io.vireo.fabric.storage.map.SumMap;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A pool that is open: what its parts have in common, and its turn. Of the home reactor. */
final class Engine {
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

    /** Others: reads go on while writes wait for a chunk to be zeroed, or for a commit. */
    private final WriteBuffers readBuffers = new WriteBuffers();

    private final KeyErasure erasure;
    private final VolumeTable volumes;
    private final Reservations reservations;
    private final Membership membership;
    private final Health health;
    private final CommitTimer timer;
    private final HeldWrites held;
    private int features;
    private @Nullable Runnable onQuiet;

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
        this.options = options;
        health = new Health(members, options.events(), this::failChanges);
        timer = new CommitTimer(this);
        held = new HeldWrites(this, options.holdWhenFull());
        this.superblocks = superblocks;
        watch = new OwnerWatch(members, superblocks, health::lose);
        Superblock superblock = superblocks.current();
        chunkShift = superblock.chunkShift();
        pages = loaded.pages();
        tree = loaded.tree();
        epochs = loaded.epochs();
        space = loaded.space();
        sumMap = loaded.sums();
        features = superblock.features();
        meta = loaded.meta();
        volumes = new VolumeTable(loaded, held::lookAgain);
        JournalPoint head = loaded.head();
        journal = new JournalWriter(members, superblock, head, this::journalFlushed);
        checkpointer = new Checkpointer(this, superblocks, loaded.catalog());
        reservations = new Reservations(space, meta, checkpointer, volumes, chunkShift);
        committer = new Committer(this, journal, checkpointer);
        cleaner = new Cleaner(this);
        roomAhead = new RoomAhead(this);
        reclaim = new Reclaim(this);
        drain = new Drain(this);
        membership = new Membership(members, space, superblocks, drain, chunkShift);
        path = new DataPath(this);
        sums = new Sums(this);
        scrub = new Scrub(this);
        erasure = new KeyErasure(this);
        places = new ChunkPlaces(this);
        copyChecks = new CopyChecks(this);
        if (!loaded.damage().isEmpty()) {
            health.damaged(loaded.damage());
        }
        members.onTurn(this::turn);
        for (int i = 0; i < members.count(); i++) {
            copyChecks.watch(i);
        }
        superblocks.onLost(watch::lost);
        if (superblock.owner().isSomebody() && !health.isFrozen()) {
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

    Superblocks superblocks() {
        return superblocks;
    }

    VolumeTable volumes() {
        return volumes;
    }

    /** What of the room is spoken for. */
    Reservations reservations() {
        return reservations;
    }

    /** How its members change. */
    Membership membership() {
        return membership;
    }

    /** Whether it takes changes, and what is wrong. */
    Health health() {
        return health;
    }

    private void failChanges() {
        committer.fail();
        erasure.fail();
        held.fail();
    }

    long chunks(long bytes) {
        return ChunkSpace.chunksOf(bytes, chunkShift);
    }

    /** Has a piece wait until there is room. */
    void waitForRoom(Piece piece) {
        held.add(piece);
        if (space.dropped() > 0) {
            committer.commit();
        }
        timer.start();
        members.wake();
    }

    /** What is done in each turn of the reactor beside the members' completions. */
    private int turn() {
        int work = path.poll() + sums.pollReady() + places.poll();
        if (!health.isFrozen()) {
            work += keepSpace();
            work += committer.poll();
            work += cleaner.poll();
            work += roomAhead.poll();
            work += drain.poll();
            work += sums.poll();
            work += scrub.poll();
            work += copyChecks.poll();
            work += erasure.poll();
            timer.look();
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

    /** Runs when nothing of the pool's own is under way; all channels are closed. */
    void whenQuiet(Runnable quiet) {
        onQuiet = quiet;
        members.wake();
    }

    private boolean isQuiet() {
        return !health.trouble().isEmpty()
                || !committer.hasIo()
                        && !checkpointer.hasIo()
                        && !cleaner.isBusy()
                        && !erasure.isRunning()
                        && !drain.isBusy()
                        && !sums.isBusy()
                        && !scrub.isBusy()
                        && !copyChecks.isBusy();
    }

    /** Whether the pool is ours. */
    OwnerWatch watch() {
        return watch;
    }

    /** Gives memory back; the members are closed. */
    void release() {
        timer.close();
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
        volumes.forget();
        writeBuffers.close();
        readBuffers.close();
        pages.close();
        sums.close();
        sumMap.close();
        space.close();
    }

    PoolStatus status() {
        return new PoolStatus(
                1 << chunkShift,
                space.total(),
                space.unused(),
                space.ready(),
                reservations.forMetadata() + reservations.forDedicated(),
                meta.chunks(),
                cleaner.broken(),
                pages.size() + sumMap.pages().size(),
                pages.dirty() + sumMap.pages().dirty(),
                journal.used(),
                superblocks.current().generation());
    }
}
