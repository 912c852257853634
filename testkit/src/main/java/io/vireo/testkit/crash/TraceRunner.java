package io.vireo.testkit.crash;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.testkit.crash.StoreUnderTest.Store;
import io.vireo.testkit.crash.VolumeClient.Rig;
import io.vireo.testkit.crash.VolumeModel.Change;
import io.vireo.testkit.crash.WriteChain.Target;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;

/** Carries operations out on a store, tells the oracle, and checks what is read meanwhile. */
final class TraceRunner {
    private static final int MOST_VOLUMES = 7;
    private static final long FIRST_CAPACITY = 128 << 10;
    private static final long LARGEST = 256 << 10;

    private final Rig rig;
    private final Store store;
    private final Oracle oracle;
    private final DiskLog log;
    private final Random random;
    private final Map<String, VolumeClient> clients = new HashMap<>();
    private final List<String> troubles = new ArrayList<>();

    TraceRunner(Rig rig, Store store, Oracle oracle, DiskLog log, Random random) {
        this.rig = rig;
        this.store = store;
        this.oracle = oracle;
        this.log = log;
        this.random = random;
    }

    /** What was wrong while the store ran. */
    List<String> troubles() {
        return troubles;
    }

    /** Carries one operation out; what cannot be done now is left out. */
    void run(TraceOperation operation) {
        switch (operation.kind()) {
            case WRITE_NEW, OVERWRITE, PARTIAL -> write(operation, false);
            case FUA -> write(operation, true);
            case FLUSH -> flush(operation);
            case DISCARD -> erase(operation, true);
            case ZERO -> erase(operation, false);
            case READ -> read(operation);
            case CREATE -> create();
            case SNAPSHOT -> copy(operation, true);
            case GROUP -> group(operation);
            case CLONE -> copy(operation, false);
            case DELETE -> delete(operation);
            case GROW -> grow(operation);
            case ROLLBACK -> rollback(operation);
            case MIGRATE -> migrate(operation);
            case SETTLE -> settle();
            case IDLE -> idle();
        }
        if (operation.awaited()) {
            settle();
        } else {
            for (int i = random.nextInt(4); i > 0; i--) {
                rig.reactor.step();
            }
        }
    }

    /** Waits until no request is in flight. */
    void settle() {
        clients.values().forEach(VolumeClient::settle);
    }

    private void idle() {
        // Far enough for the timers of a store, without end if they go on for ever.
        for (int i = 0; i < 200 && rig.reactor.step() > 0; i++) {}
    }

    /** Closes all channels. */
    void close() {
        clients.values().forEach(VolumeClient::close);
        clients.clear();
    }

    private Optional<VolumeModel> pick(TraceOperation operation, boolean writable) {
        List<VolumeModel> fit =
                oracle.present().stream().filter(v -> !writable || !v.readOnly).toList();
        return fit.isEmpty()
                ? Optional.empty()
                : Optional.of(fit.get(operation.volume() % fit.size()));
    }

    private VolumeClient client(VolumeModel volume) {
        return clients.computeIfAbsent(
                volume.name, name -> new VolumeClient(rig, store.device(name)));
    }

    private static int first(TraceOperation operation, VolumeModel volume) {
        return operation.sector() % (int) (volume.capacity() / Sectors.SIZE);
    }

    private static int count(TraceOperation operation, VolumeModel volume) {
        int most = (int) (volume.capacity() / Sectors.SIZE) - first(operation, volume);
        return Math.min(operation.sectors(), most);
    }

    private void write(TraceOperation operation, boolean durable) {
        pick(operation, true)
                .ifPresent(volume -> {
                    int first = first(operation, volume);
                    int count = count(operation, volume);
                    long version = oracle.newVersion();
                    VolumeClient client = client(volume);
                    Change change = volume.change(first, count, version, false, log.tick());
                    client.start(
                            BlockOperation.WRITE,
                            (long) first * Sectors.SIZE,
                            count * Sectors.SIZE,
                            durable,
                            address ->
                                    Sectors.fill(
                                            address,
                                            count,
                                            oracle.seed,
                                            volume.number,
                                            first,
                                            version),
                            (status, _) ->
                                    changed(
                                            volume,
                                            change,
                                            durable || client.writesThrough(),
                                            status));
                });
    }

    private void changed(VolumeModel volume, Change change, boolean durable, BlockStatus status) {
        change.failed = status != BlockStatus.OK;
        volume.completed(change, durable && !change.failed, log.tick());
        // A full store is no trouble, and what it refused may be there in part.
        if (change.failed && status != BlockStatus.NO_SPACE) {
            troubles.add("a write of " + volume.name + " ended in " + status);
        }
    }

    private void erase(TraceOperation operation, boolean discard) {
        pick(operation, true)
                .ifPresent(volume -> {
                    int first = first(operation, volume);
                    int count = count(operation, volume);
                    boolean durable = !discard && operation.sector() % 16 == 0;
                    VolumeClient client = client(volume);
                    Change change = volume.change(first, count, 0, discard, log.tick());
                    client.start(
                            discard ? BlockOperation.DISCARD : BlockOperation.WRITE_ZEROES,
                            (long) first * Sectors.SIZE,
                            count * Sectors.SIZE,
                            durable,
                            _ -> {},
                            (status, _) ->
                                    changed(
                                            volume,
                                            change,
                                            durable || (!discard && client.writesThrough()),
                                            status));
                });
    }

    private void flush(TraceOperation operation) {
        pick(operation, true)
                .ifPresent(volume -> {
                    VolumeClient client = client(volume);
                    int submitted = log.tick();
                    client.start(
                            BlockOperation.FLUSH,
                            0,
                            0,
                            false,
                            _ -> {},
                            (status, _) -> {
                                if (status == BlockStatus.OK) {
                                    volume.flushed(submitted, log.tick());
                                } else {
                                    troubles.add(
                                            "a flush of " + volume.name + " ended in " + status);
                                }
                            });
                });
    }

    private void read(TraceOperation operation) {
        pick(operation, false).ifPresent(volume -> read(operation, volume));
    }

    private void read(TraceOperation operation, VolumeModel volume) {
        int first = first(operation, volume);
        int count = count(operation, volume);
        VolumeClient client = client(volume);
        int submitted = log.tick();
        client.start(
                BlockOperation.READ,
                (long) first * Sectors.SIZE,
                count * Sectors.SIZE,
                false,
                _ -> {},
                (status, address) -> {
                    if (status != BlockStatus.OK) {
                        troubles.add("a read of " + volume.name + " ended in " + status);
                        return;
                    }
                    long[] values = new long[count];
                    rig.versions(values, 0, count * Sectors.SIZE, address, oracle.seed, first);
                    volume.live(first, values, submitted, log.tick())
                            .ifPresent(trouble -> troubles.add("while it ran, " + trouble));
                });
    }

    private VolumeModel named(boolean readOnly, Optional<VolumeModel> source, long capacity) {
        int number = oracle.newNumber();
        return new VolumeModel(
                (readOnly ? "s" : "v") + number,
                number,
                readOnly,
                source.orElse(null),
                capacity,
                log.tick());
    }

    private boolean isFull() {
        return oracle.present().size() >= MOST_VOLUMES;
    }

    private void create() {
        if (!isFull()) {
            VolumeModel volume = named(false, Optional.empty(), FIRST_CAPACITY);
            oracle.add(volume);
            store.create(volume.name, volume.capacity());
            volume.created = log.tick();
        }
    }

    private void copy(TraceOperation operation, boolean snapshot) {
        if (isFull()) {
            return;
        }
        pick(operation, snapshot)
                .filter(source -> !store.isMoving(source.name))
                .ifPresent(source -> {
                    VolumeModel copy = named(snapshot, Optional.of(source), source.capacity());
                    oracle.add(copy);
                    if (snapshot) {
                        store.snapshot(source.name, copy.name);
                    } else {
                        store.cloneVolume(source.name, copy.name);
                    }
                    copy.created = log.tick();
                });
    }

    /** Two volumes or three, which a chain of writes goes to meanwhile. */
    private void group(TraceOperation operation) {
        List<VolumeModel> fit =
                oracle.present().stream()
                        .filter(v -> !v.readOnly && !store.isMoving(v.name))
                        .toList();
        int size = Math.min(fit.size(), 2 + operation.sector() % 2);
        if (size < 2 || oracle.present().size() + size > MOST_VOLUMES) {
            return;
        }
        var targets = new ArrayList<Target>();
        for (int i = 0; i < size; i++) {
            VolumeModel volume = fit.get((operation.volume() + i) % fit.size());
            targets.add(new Target(volume, client(volume)));
        }
        var chain =
                WriteChain.begin(rig, targets, oracle, log, operation.sector() / 8, this::chained);
        for (int i = random.nextInt(8); i > 0; i--) {
            rig.reactor.step();
        }
        var names = new LinkedHashMap<String, String>();
        var snapshots = new ArrayList<VolumeModel>();
        for (Target target : targets) {
            VolumeModel source = target.volume();
            VolumeModel snapshot = named(true, Optional.of(source), source.capacity());
            snapshots.add(oracle.add(snapshot));
            names.put(source.name, snapshot.name);
        }
        oracle.addGroup(snapshots);
        store.snapshotGroup(names);
        snapshots.forEach(snapshot -> snapshot.created = log.tick());
        chain.end(rig);
    }

    private void chained(Target target, Change change, BlockStatus status) {
        changed(target.volume(), change, target.client().writesThrough(), status);
    }

    private void delete(TraceOperation operation) {
        List<VolumeModel> present = oracle.present();
        long writable = present.stream().filter(v -> !v.readOnly).count();
        VolumeModel volume = present.get(operation.volume() % Math.max(1, present.size()));
        if (!volume.readOnly && writable < 2) {
            return;
        }
        VolumeClient client = clients.remove(volume.name);
        if (client != null) {
            client.close();
        }
        volume.deleteSubmitted = log.tick();
        store.delete(volume.name);
        volume.deleted = log.tick();
    }

    private void grow(TraceOperation operation) {
        pick(operation, true)
                .filter(volume -> !store.isMoving(volume.name))
                .ifPresent(volume -> {
                    long capacity = volume.capacity() + (32 << 10);
                    if (capacity <= LARGEST) {
                        Change growth = volume.grow(capacity, log.tick());
                        try {
                            store.grow(volume.name, capacity);
                        } finally {
                            growth.completed = log.tick();
                        }
                    }
                });
    }

    private void rollback(TraceOperation operation) {
        List<VolumeModel> snapshots =
                oracle.present().stream()
                        .filter(v -> v.readOnly && v.source != null)
                        .filter(v -> oracle.present().contains(v.source))
                        .filter(v -> !store.isMoving(Objects.requireNonNull(v.source).name))
                        .toList();
        if (snapshots.isEmpty()) {
            return;
        }
        VolumeModel snapshot = snapshots.get(operation.volume() % snapshots.size());
        VolumeModel volume = oracle.volume(Objects.requireNonNull(snapshot.source).name);
        Change change = volume.rollback(snapshot, log.tick());
        store.rollback(volume.name, snapshot.name);
        volume.completed(change, true, log.tick());
    }

    /** It begins to move, which goes on in the background; or it is to be there now. */
    private void migrate(TraceOperation operation) {
        if (!store.moves()) {
            return;
        }
        pick(operation, true)
                .ifPresent(volume -> {
                    boolean moving = store.isMoving(volume.name);
                    if (moving) {
                        store.switchMove(volume.name);
                    }
                    VolumeClient client = clients.remove(volume.name);
                    if (client != null) {
                        client.close();
                    }
                    if (moving) {
                        store.endMove(volume.name);
                    } else {
                        store.beginMove(volume.name);
                    }
                });
    }
}
