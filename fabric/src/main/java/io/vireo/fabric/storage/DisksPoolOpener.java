package io.vireo.fabric.storage;

import io.vireo.block.HostDisks;
import io.vireo.block.HostDisks.HostDisk;
import io.vireo.fabric.storage.pool.MirrorOptions;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.Quantity;
import io.vireo.resource.Rates;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.DisksSpec;
import io.vireo.resource.spec.PoolSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Opens {@link DisksPool}s, and makes them first where they are new. */
final class DisksPoolOpener {
    private static final int MIN_CHUNK = 16 << 10;
    private static final int MAX_CHUNK = 1 << 20;

    private DisksPoolOpener() {}

    static List<Violation> validate(DisksSpec spec) {
        var violations = new ArrayList<Violation>();
        var paths = new HashSet<String>();
        if (spec.members().isEmpty()) {
            violations.add(new Violation("/spec/disks/members", "needs at least one disk"));
        }
        for (int i = 0; i < spec.members().size(); i++) {
            String path = spec.members().get(i).path();
            String at = "/spec/disks/members/" + i + "/path";
            if (!PoolKind.isPlain(path)) {
                violations.add(
                        new Violation(
                                at,
                                "must be an absolute path without '.' and '..', and not the root directory"));
            } else if (!paths.add(path)) {
                violations.add(new Violation(at, "is there already; name each disk once"));
            }
        }
        Rates.checkBytes("/spec/disks/resyncRate", spec.resyncRate(), violations);
        Rates.checkBytes(
                "/spec/disks/scrub/rate", spec.scrub().flatMap(DisksSpec.Scrub::rate), violations);
        long chunk = spec.chunkSize().bytes();
        if (Long.bitCount(chunk) != 1 || chunk < MIN_CHUNK || chunk > MAX_CHUNK) {
            violations.add(
                    new Violation(
                            "/spec/disks/chunkSize", "must be a power of two from 16Ki to 1Mi"));
        }
        if (spec.members().size() % spec.copies() != 0) {
            violations.add(
                    new Violation(
                            "/spec/disks/members",
                            "%d disks cannot be mirrors of %d disks each: name %d, or a multiple"
                                    .formatted(
                                            spec.members().size(), spec.copies(), spec.copies())));
        }
        if (spec.copies() == 1 && spec.openDegraded()) {
            violations.add(
                    new Violation("/spec/disks/openDegraded", "is for pools that keep copies"));
        }
        return violations;
    }

    /**
     * What of a pool is fixed. Disks can be added and become larger; they may be named in any
     * order.
     */
    static List<Violation> validateUpdate(DisksSpec before, DisksSpec after) {
        var violations = new ArrayList<Violation>();
        var gone = before.members().stream().filter(m -> !paths(after).contains(m.path())).toList();
        boolean replaced = before.copies() > 1 && after.members().size() >= before.members().size();
        for (DisksSpec.Member member : gone) {
            if (!replaced && !member.drain()) {
                violations.add(
                        new Violation(
                                "/spec/disks/members",
                                "%s cannot be taken out, there is data on it; set its drain to true and wait until it is empty%s"
                                        .formatted(
                                                member.path(),
                                                before.copies() > 1
                                                        ? ", or name another disk in its place"
                                                        : "")));
            }
        }
        violations.addAll(shrinking(before, after));
        if (!before.chunkSize().equals(after.chunkSize())) {
            violations.add(
                    new Violation("/spec/disks/chunkSize", "is fixed when the pool is made"));
        }
        if (before.copies() != after.copies()) {
            violations.add(
                    new Violation(
                            "/spec/disks/copies",
                            "is fixed when the pool is made: make another pool and copy the vDisks"));
        }
        if (before.striped() != after.striped()) {
            violations.add(new Violation("/spec/disks/striped", "is fixed when the pool is made"));
        }
        return violations;
    }

    private static List<Violation> shrinking(DisksSpec before, DisksSpec after) {
        var violations = new ArrayList<Violation>();
        for (int i = 0; i < after.members().size(); i++) {
            var member = after.members().get(i);
            long size = member.size().map(Quantity::bytes).orElse(Long.MAX_VALUE);
            boolean smaller =
                    before.members().stream()
                            .filter(each -> each.path().equals(member.path()))
                            .anyMatch(each -> each.size().map(Quantity::bytes).orElse(0L) > size);
            if (smaller) {
                violations.add(
                        new Violation(
                                "/spec/disks/members/" + i + "/size",
                                "cannot become smaller: data would be cut off"));
            }
        }
        return violations;
    }

    private static List<String> paths(DisksSpec spec) {
        return spec.members().stream().map(DisksSpec.Member::path).toList();
    }

    /**
     * Opens the pool.
     *
     * @param create whether it may be made: it never ran before
     * @param runtime the daemon's directory for what outlives it until the next boot
     * @param host its name
     * @param scrubs what is kept of the pool's
     * @param told of how much has been read; what it throws ends the opening
     */
    static DisksPool open(
            PoolSpec spec,
            boolean create,
            Reactor home,
            Path runtime,
            String host,
            ScrubRecord scrubs,
            Consumer<Progress> told) {
        DisksSpec disks = spec.disks().orElseThrow();
        boolean make = create && !disks.adopt();
        var place =
                new DisksPlace(
                        location(disks),
                        home,
                        Duration.ofSeconds(disks.holdSeconds()),
                        runtime,
                        HostOwner.in(runtime, host),
                        disks.copies(),
                        new MirrorOptions(
                                disks.openDegraded(), resyncRate(disks), stallLimit(disks)),
                        leaving(disks),
                        scrubs,
                        told);
        var open = new LinkedHashMap<String, HostDisk>();
        var absent = new LinkedHashMap<DisksSpec.Member, ResourceException>();
        try {
            for (var member : disks.members()) {
                try {
                    open.put(member.path(), open(spec, member, make));
                } catch (ResourceException e) {
                    boolean perhapsNew = member.size().isPresent() || disks.copies() > 1;
                    if (make || e.code() != ErrorCode.UNAVAILABLE || !perhapsNew) {
                        throw e;
                    }
                    absent.put(member, e);
                }
            }
            DisksPool pool = make ? make(disks, open, place) : reopen(spec, open, absent, place);
            pool.adopt(disks.adopt());
            pool.disks().drains().want(disks.members(), resyncRate(disks));
            pool.disks().drains().tend();
            pool.disks().scrubs().want(disks.scrub());
            return pool;
        } catch (RuntimeException e) {
            open.values().forEach(HostDisk::close);
            throw e;
        }
    }

    /** The disks that are to be emptied. */
    private static Set<String> leaving(DisksSpec disks) {
        return disks.members().stream()
                .filter(DisksSpec.Member::drain)
                .map(DisksSpec.Member::path)
                .collect(Collectors.toSet());
    }

    /** The disks that are named, but those that have been emptied. */
    private static List<DisksSpec.Member> staying(DisksPool pool, DisksSpec disks) {
        return disks.members().stream()
                .filter(member -> !member.drain() || pool.disks().isOn(member.path()))
                .toList();
    }

    private static String location(DisksSpec disks) {
        return String.join(", ", paths(disks));
    }

    /**
     * Opens a pool that was made. Disks with nothing on them, and files that are not there, were
     * named later and are added, if the pool is whole without them.
     */
    private static DisksPool reopen(
            PoolSpec spec,
            Map<String, HostDisk> disks,
            Map<DisksSpec.Member, ResourceException> absent,
            DisksPlace place) {
        var members = new LinkedHashMap<String, HostDisk>();
        var blank = new LinkedHashMap<String, HostDisk>();
        disks.forEach((path, disk) -> (disk.isBlank() ? blank : members).put(path, disk));
        closeEmptied(blank, place.leaving());
        absent.keySet().removeIf(DisksSpec.Member::drain);
        if (members.isEmpty()) {
            throw absent.values().stream()
                    .findFirst()
                    .orElseGet(() ->
                            new ResourceException(
                                    ErrorCode.UNAVAILABLE,
                                    "there is nothing on "
                                            + place.location()
                                            + ": attach the disks of the pool, or restore its files"));
        }
        DisksPool pool;
        try {
            pool = openWithout(members, place);
        } catch (ResourceException e) {
            throw absent.values().stream()
                    .findFirst()
                    .map(first -> place.copies() > 1 ? degraded(first, e) : first)
                    .orElse(e);
        }
        return place.copies() > 1
                ? completed(pool, spec, blank, absent)
                : grown(pool, spec, blank, absent, place.location());
    }

    /** Those that are to leave, and have nothing on them, have been emptied before. */
    private static void closeEmptied(Map<String, HostDisk> blank, Set<String> leaving) {
        blank.entrySet()
                .removeIf(each -> {
                    boolean emptied = leaving.contains(each.getKey());
                    if (emptied) {
                        each.getValue().close();
                    }
                    return emptied;
                });
    }

    /** Takes what is empty as further disks. */
    private static DisksPool grown(
            DisksPool pool,
            PoolSpec spec,
            Map<String, HostDisk> blank,
            Map<DisksSpec.Member, ResourceException> absent,
            String location) {
        try {
            blank.forEach((path, disk) -> pool.disks().addMember(path, disk, location));
            absent.forEach((member, _) ->
                    pool.disks().addMember(member.path(), openEmpty(spec, member), location));
            return pool;
        } catch (RuntimeException e) {
            pool.close();
            throw e;
        }
    }

    /** Opens a pool of which some disks may have been emptied before. */
    private static DisksPool openWithout(Map<String, HostDisk> members, DisksPlace place) {
        try {
            return DisksPool.open(members, place);
        } catch (ResourceException e) {
            var rest = new LinkedHashMap<>(members);
            if (!rest.keySet().removeAll(place.leaving()) || rest.isEmpty()) {
                throw e;
            }
            DisksPool pool = DisksPool.open(rest, place);
            members.forEach((path, disk) -> {
                if (!rest.containsKey(path)) {
                    disk.close();
                }
            });
            return pool;
        }
    }

    private static ResourceException degraded(ResourceException absent, ResourceException refused) {
        return new ResourceException(
                refused.code(),
                "%s; %s: spec.disks.openDegraded".formatted(message(absent), message(refused)),
                refused);
    }

    /**
     * Gives a pool with mirrors the disks that it lacks: the first ones that are named are its own,
     * those behind them are new.
     */
    private static DisksPool completed(
            DisksPool pool,
            PoolSpec spec,
            Map<String, HostDisk> blank,
            Map<DisksSpec.Member, ResourceException> absent) {
        absent.forEach((member, why) -> pool.disks().miss(member.path(), message(why)));
        var blanks = new LinkedHashMap<>(blank);
        try {
            int own = pool.disks().diskCount();
            List<DisksSpec.Member> members = staying(pool, spec.disks().orElseThrow());
            for (var member : members.subList(0, Math.min(own, members.size()))) {
                HostDisk empty = blanks.remove(member.path());
                if (empty != null) {
                    fill(pool, member, empty);
                } else if (pool.disks().disk(member.path()).isPresent()
                        && !pool.disks().isOn(member.path())) {
                    put(pool, member.path(), pool.disks().disk(member.path()).orElseThrow(), false);
                }
            }
            addMirrors(pool, spec, blanks);
            return pool;
        } catch (RuntimeException e) {
            blanks.values().forEach(HostDisk::close);
            pool.close();
            throw e;
        }
    }

    /** An empty disk gets what a mirror holds if somebody has said so. */
    private static void fill(DisksPool pool, DisksSpec.Member member, HostDisk disk) {
        if (member.replaced()) {
            put(pool, member.path(), disk, true);
        } else {
            disk.close();
            pool.disks()
                    .miss(
                            member.path(),
                            "the disk there is empty; set its replaced to true if it is to take the"
                                    + " place of the one that was there");
        }
    }

    /** A disk that cannot be put into its place is as good as missing; the pool goes on. */
    private static void put(DisksPool pool, String path, HostDisk disk, boolean empty) {
        try {
            pool.disks().putDisk(path, disk, empty);
        } catch (ResourceException e) {
            pool.disks().miss(path, message(e));
        }
    }

    private static String message(ResourceException e) {
        return Objects.requireNonNullElse(e.getMessage(), "no reason is known");
    }

    /**
     * Makes mirrors of the disks that are named behind the pool's own.
     *
     * @param blank disks that are open already; who is taken is taken out
     */
    private static void addMirrors(DisksPool pool, PoolSpec spec, Map<String, HostDisk> blank) {
        DisksSpec disks = spec.disks().orElseThrow();
        int own = pool.disks().diskCount();
        List<DisksSpec.Member> members = staying(pool, disks);
        for (int i = own; i + disks.copies() <= members.size(); i += disks.copies()) {
            var added = new LinkedHashMap<String, HostDisk>();
            try {
                for (var member : members.subList(i, i + disks.copies())) {
                    added.put(member.path(), next(pool, spec, member, blank));
                }
            } catch (RuntimeException e) {
                added.values().forEach(HostDisk::close);
                throw e;
            }
            pool.disks().addMirror(added, location(disks));
        }
    }

    /** A disk for a new mirror: open already, or what an attempt that was cut off has left. */
    private static HostDisk next(
            DisksPool pool, PoolSpec spec, DisksSpec.Member member, Map<String, HostDisk> blank) {
        HostDisk open = blank.remove(member.path());
        return open != null
                ? open
                : pool.disks().disk(member.path()).orElseGet(() -> openEmpty(spec, member));
    }

    /**
     * Tries the disks of mirrors that are not here once more; those that are back get what they
     * lack.
     */
    static void lookForMissing(DisksPool pool, PoolSpec spec) {
        for (var member : spec.disks().orElseThrow().members()) {
            if (!pool.disks().missing().contains(member.path())) {
                continue;
            }
            try {
                HostDisk disk = open(spec, member, false);
                if (disk.isBlank()) {
                    fill(pool, member, disk);
                } else {
                    put(pool, member.path(), disk, false);
                }
            } catch (ResourceException e) {
                pool.disks().miss(member.path(), message(e));
            }
        }
    }

    private static Duration stallLimit(DisksSpec spec) {
        return Duration.ofSeconds(spec.stallSeconds());
    }

    private static long resyncRate(DisksSpec spec) {
        return spec.resyncRate().map(Quantity::bytes).orElse(0L);
    }

    /** Other disks have the places of those that are not named any more. */
    private static void replace(DisksPool pool, PoolSpec spec) {
        DisksSpec disks = spec.disks().orElseThrow();
        var names = paths(disks);
        List<String> gone =
                pool.disks().paths().stream().filter(path -> !names.contains(path)).toList();
        int own = pool.disks().diskCount();
        int next = 0;
        List<DisksSpec.Member> members = staying(pool, disks);
        for (var member : members.subList(0, Math.min(own, members.size()))) {
            if (!pool.disks().has(member.path()) && next < gone.size()) {
                HostDisk disk = open(spec, member, true);
                pool.disks().putDisk(member.path(), disk, disk.isBlank());
                pool.disks().forget(gone.get(next++), location(disks));
            }
        }
    }

    /**
     * Adds the disks that are new, and takes into use what the others have become larger by.
     *
     * @throws ResourceException if a disk cannot be added; those before it were
     */
    static void change(DisksPool pool, PoolSpec spec) {
        DisksSpec disks = spec.disks().orElseThrow();
        pool.disks().drains().tend();
        leave(pool, disks);
        if (disks.copies() > 1) {
            replace(pool, spec);
            addMirrors(pool, spec, new LinkedHashMap<>());
            pool.disks().resyncRate(resyncRate(disks));
            pool.disks().stallLimit(stallLimit(disks));
        }
        for (var member : disks.copies() > 1 ? List.<DisksSpec.Member>of() : staying(pool, disks)) {
            if (!pool.disks().has(member.path())) {
                pool.disks().addMember(member.path(), openEmpty(spec, member), location(disks));
            }
        }
        pool.disks().growMembers(disks.members());
        pool.disks().drains().want(disks.members(), resyncRate(disks));
        pool.disks().drains().tend();
        pool.disks().scrubs().want(disks.scrub());
        pool.disks().isAt(location(disks));
        pool.adopt(disks.adopt());
        pool.holdWhenFull(Duration.ofSeconds(disks.holdSeconds()));
    }

    /** Disks that were to be emptied and are not named any more have to be empty. */
    private static void leave(DisksPool pool, DisksSpec disks) {
        var names = paths(disks);
        for (String path : pool.disks().drains().wanted()) {
            if (!names.contains(path) && !pool.disks().drains().isDone(path)) {
                throw new ResourceException(
                        ErrorCode.NOT_READY,
                        "%s is not empty yet (%s); name it until it is"
                                .formatted(path, pool.drain()));
            }
        }
    }

    private static HostDisk openEmpty(PoolSpec spec, DisksSpec.Member member) {
        HostDisk disk = open(spec, member, true);
        if (!disk.isBlank()) {
            disk.close();
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    member.path()
                            + " has something on it; name an empty disk, or wipe it if its data is not needed: wipefs --all, or remove the file");
        }
        return disk;
    }

    private static HostDisk open(PoolSpec spec, DisksSpec.Member member, boolean create) {
        Optional<Quantity> size = create ? member.size() : Optional.empty();
        var make = size.map(q -> OptionalLong.of(q.bytes())).orElseGet(OptionalLong::empty);
        return host().open(Path.of(member.path()), make, spec.backend(), spec.directIo());
    }

    private static HostDisks host() {
        return ServiceLoader.load(HostDisks.class)
                .findFirst()
                .orElseThrow(() ->
                        new ResourceException(
                                ErrorCode.UNSUPPORTED, "nothing here opens disks of the host"));
    }

    /**
     * An attempt that was cut off may have left an empty pool, which is taken over. Whatever else
     * is on a disk stays there.
     */
    private static DisksPool make(DisksSpec spec, Map<String, HostDisk> disks, DisksPlace place) {
        if (disks.values().stream().allMatch(HostDisk::isBlank)) {
            DisksPool.create(
                    List.copyOf(disks.values()),
                    place.home(),
                    (int) spec.chunkSize().bytes(),
                    spec.striped(),
                    spec.copies());
            return DisksPool.open(disks, place);
        }
        DisksPool there;
        try {
            there = DisksPool.open(disks, place);
        } catch (ResourceException e) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "a disk of "
                            + place.location()
                            + " has something on it ("
                            + e.getMessage()
                            + "); name empty disks, or wipe them if their data is not needed: wipefs --all, or remove the file",
                    e);
        }
        if (there.size() > 0) {
            int volumes = there.size();
            there.close();
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    place.location()
                            + " hold a pool with "
                            + volumes
                            + " vDisks and snapshots already; to take it over: vireo pool import");
        }
        return there;
    }
}
