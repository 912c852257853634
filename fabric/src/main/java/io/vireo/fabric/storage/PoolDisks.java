package io.vireo.fabric.storage;

import io.vireo.block.HostDisks.HostDisk;
import io.vireo.block.PoolRedundancy;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.fabric.storage.pool.DrainStatus;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.resource.spec.DisksSpec;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The disks of a {@link StoragePool}: those that it has, misses, lets go of, and is to be without.
 * One thread at a time changes them; any may look.
 */
final class PoolDisks {
    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(3);

    private final StoragePool pool;
    private final Map<String, HostDisk> disks;
    private final int copies;
    private final Runnable changed;
    private final Scrubs scrubs;
    private final Drains drains = new Drains(new Drained());

    /** Disks that have been replaced or emptied: requests may still be on their way to them. */
    private final List<Replaced> replaced = new ArrayList<>();

    /** Disks of mirrors that are not here, each with the reason. */
    private final Map<String, String> missing = new ConcurrentHashMap<>();

    private volatile String location;
    private volatile boolean lingering;

    /** A disk that has no part in the pool any more, since when. */
    private record Replaced(HostDisk disk, long at) {}

    /**
     * @param disks by their paths; closed with this
     * @param copies that the pool keeps
     * @param scrubs what is kept of them
     * @param changed run when the pool looks different from now on
     */
    PoolDisks(
            StoragePool pool,
            Map<String, HostDisk> disks,
            String location,
            int copies,
            ScrubRecord scrubs,
            Runnable changed) {
        this.pool = pool;
        this.disks = new ConcurrentHashMap<>(disks);
        this.location = location;
        this.copies = copies;
        this.scrubs = new Scrubs(pool, scrubs, InstantSource.system());
        this.changed = changed;
    }

    /** Whether a disk of that path belongs to it. */
    boolean has(String path) {
        return disks.containsKey(path) || missing.containsKey(path);
    }

    /**
     * Adds a disk, durably; it is closed if that fails.
     *
     * @param newLocation of the pool afterwards
     */
    void addMember(String path, HostDisk disk, String newLocation) {
        try {
            pool.addMember(disk.device(), disk.isZeroed());
        } catch (RuntimeException e) {
            disk.close();
            throw e;
        }
        disks.put(path, disk);
        location = newLocation;
        changed.run();
    }

    /** Takes into use what disks have become larger by, durably. */
    void growMembers(List<DisksSpec.Member> members) {
        long before = bytes();
        boolean zeroed = true;
        for (DisksSpec.Member member : members) {
            HostDisk disk = disks.get(member.path());
            if (disk == null) {
                continue;
            }
            long had = disk.device().geometry().capacity();
            var size = member.size().map(q -> OptionalLong.of(q.bytes()));
            boolean zeroes = disk.grow(size.orElseGet(OptionalLong::empty));
            zeroed &= zeroes || disk.device().geometry().capacity() == had;
        }
        if (bytes() > before) {
            pool.growMembers(zeroed);
            changed.run();
        }
    }

    // Drains.

    Drains drains() {
        return drains;
    }

    /** Whether the disk at a path is a part of the pool. */
    boolean isOn(String path) {
        HostDisk disk = disks.get(path);
        return disk != null && pool.uses(disk.device());
    }

    /** Where they are, for people. */
    String location() {
        return location;
    }

    void isAt(String newLocation) {
        location = newLocation;
    }

    /** Lets go of disks that have been replaced or emptied a while ago. */
    void letGo() {
        long now = System.nanoTime();
        for (var each = replaced.iterator(); each.hasNext(); ) {
            Replaced disk = each.next();
            if (now - disk.at() > LINGER_NANOS && !pool.isHeld(disk.disk().device())) {
                disk.disk().close();
                each.remove();
            }
        }
        lingering = !replaced.isEmpty();
    }

    /** Whether none is missing, to be emptied, or to be let go of. */
    boolean isAtRest() {
        return missing.isEmpty() && !drains.isNeeded() && !lingering && !scrubs.isDue();
    }

    private void retire(HostDisk disk) {
        replaced.add(new Replaced(disk, System.nanoTime()));
        lingering = true;
    }

    /** How the emptying of disks stands, for people; empty: none is to be emptied. */
    String drain(DrainStatus status) {
        return drains.text(status);
    }

    private final class Drained implements Drains.Disks {
        @Override
        public boolean uses(String path) {
            return isOn(path);
        }

        @Override
        public void drain(String path, long bytesPerSecond) {
            pool.drain(Objects.requireNonNull(disks.get(path)).device(), bytesPerSecond);
            changed.run();
        }

        @Override
        public void cancel() {
            pool.cancelDrain();
        }

        @Override
        public void left(String path) {
            HostDisk disk = disks.remove(path);
            if (disk != null) {
                // Its channel may not be closed yet.
                retire(disk);
            }
            changed.run();
        }

        @Override
        public DrainStatus status() {
            return pool.drainStatus();
        }
    }

    // Scrubs.

    Scrubs scrubs() {
        return scrubs;
    }

    // Mirrors.

    /** Number of disks that the pool has, missing ones included. */
    int diskCount() {
        List<MirrorStatus> mirrors = pool.mirrors();
        return mirrors.isEmpty()
                ? disks.size()
                : mirrors.stream().mapToInt(mirror -> mirror.legs().size()).sum();
    }

    /** The disks that it has or misses. */
    List<String> paths() {
        return Stream.concat(disks.keySet().stream(), missing.keySet().stream())
                .distinct()
                .sorted()
                .toList();
    }

    /** The disk at a path, if it is open. */
    Optional<HostDisk> disk(String path) {
        return Optional.ofNullable(disks.get(path));
    }

    /**
     * Adds a mirror of so many disks as there are copies, durably; they are closed if that fails.
     */
    void addMirror(Map<String, HostDisk> added, String newLocation) {
        try {
            pool.addMember(
                    added.values().stream().map(HostDisk::device).toList(),
                    added.values().stream().allMatch(HostDisk::isZeroed));
        } catch (RuntimeException e) {
            added.forEach((path, disk) -> {
                disks.remove(path);
                disk.close();
            });
            throw e;
        }
        disks.putAll(added);
        location = newLocation;
        changed.run();
    }

    /**
     * Puts a disk into the place of one that failed or is missing. It is closed if that fails.
     *
     * @param empty whether nothing is on it; else it has to be the one that is missing
     */
    void putDisk(String path, HostDisk disk, boolean empty) {
        try {
            if (empty) {
                pool.replaceDisk(disk.device());
            } else {
                pool.takeBackDisk(disk.device());
            }
        } catch (RuntimeException e) {
            disks.remove(path, disk);
            disk.close();
            throw e;
        }
        disks.put(path, disk);
        missing.remove(path);
        changed.run();
    }

    /** A disk of a mirror is not here. */
    void miss(String path, String why) {
        missing.put(path, why);
    }

    /** The disks that are not here. */
    List<String> missing() {
        return List.copyOf(missing.keySet());
    }

    /** A disk is not named any more: another one has its place. */
    void forget(String path, String newLocation) {
        missing.remove(path);
        HostDisk former = disks.remove(path);
        if (former != null) {
            retire(former);
        }
        location = newLocation;
    }

    void resyncRate(long bytesPerSecond) {
        pool.resyncRate(bytesPerSecond);
    }

    /** How long a disk of a mirror may leave a request without an answer. */
    void stallLimit(Duration limit) {
        pool.stallLimit(limit);
        changed.run();
    }

    /** How the copies are, if there are several. */
    Optional<PoolRedundancy> redundancy(List<MirrorStatus> mirrors) {
        if (copies == 1) {
            return Optional.empty();
        }
        var wrong = new ArrayList<String>();
        missing.forEach((path, why) -> wrong.add("disk %s is missing (%s)".formatted(path, why)));
        for (MirrorStatus mirror : mirrors) {
            for (MirrorStatus.Leg leg : mirror.legs()) {
                boolean failed = leg.state() == MirrorStatus.LegState.FAILED;
                if (failed || leg.state() == MirrorStatus.LegState.ABSENT && missing.isEmpty()) {
                    wrong.add("disk %s is out (%s)".formatted(path(leg), leg.why()));
                }
            }
        }
        return Optional.of(
                new PoolRedundancy(
                        copies,
                        mirrors.stream().allMatch(MirrorStatus::isRedundant),
                        wrong.isEmpty()
                                ? ""
                                : String.join(", ", wrong)
                                        + ": bring it back, or name an empty disk in its place in spec.disks.members",
                        mirrors.stream().mapToLong(MirrorStatus::copiedBytes).sum(),
                        mirrors.stream().mapToLong(MirrorStatus::toCopyBytes).sum(),
                        mirrors.stream().mapToLong(MirrorStatus::bytesPerSecond).sum(),
                        mirrors.getFirst().stallLimit().toSeconds()));
    }

    private String path(MirrorStatus.Leg leg) {
        return disks.entrySet().stream()
                .filter(each -> leg.device().filter(d -> d == each.getValue().device()).isPresent())
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseGet(() -> leg.uuid().toString());
    }

    private long bytes() {
        return disks.values().stream().mapToLong(each -> each.device().geometry().capacity()).sum();
    }

    /** Closes them all; the pool is closed. */
    void close() {
        disks.values().forEach(HostDisk::close);
        replaced.forEach(each -> each.disk().close());
    }
}
