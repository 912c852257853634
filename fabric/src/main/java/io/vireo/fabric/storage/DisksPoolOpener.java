package io.vireo.fabric.storage;

import io.vireo.block.HostDisks;
import io.vireo.block.HostDisks.HostDisk;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Quantity;
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
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceLoader;

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
        long chunk = spec.chunkSize().bytes();
        if (Long.bitCount(chunk) != 1 || chunk < MIN_CHUNK || chunk > MAX_CHUNK) {
            violations.add(
                    new Violation(
                            "/spec/disks/chunkSize", "must be a power of two from 16Ki to 1Mi"));
        }
        return violations;
    }

    /**
     * What of a pool is fixed. Disks can be added and become larger; they may be named in any
     * order.
     */
    static List<Violation> validateUpdate(DisksSpec before, DisksSpec after) {
        var violations = new ArrayList<Violation>();
        for (DisksSpec.Member member : before.members()) {
            if (!paths(after).contains(member.path())) {
                violations.add(
                        new Violation(
                                "/spec/disks/members",
                                "%s cannot be taken out, there is data on it; name it still, or make another pool and copy the vDisks"
                                        .formatted(member.path())));
            }
        }
        violations.addAll(shrinking(before, after));
        if (!before.chunkSize().equals(after.chunkSize())) {
            violations.add(
                    new Violation("/spec/disks/chunkSize", "is fixed when the pool is made"));
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
     */
    static DisksPool open(PoolSpec spec, boolean create, Reactor home, Path runtime) {
        DisksSpec disks = spec.disks().orElseThrow();
        boolean make = create && !disks.adopt();
        var place =
                new DisksPool.Place(
                        location(disks),
                        home,
                        Duration.ofSeconds(disks.holdSeconds()),
                        Optional.of(runtime));
        var open = new LinkedHashMap<String, HostDisk>();
        var absent = new LinkedHashMap<DisksSpec.Member, ResourceException>();
        try {
            for (var member : disks.members()) {
                try {
                    open.put(member.path(), open(spec, member, make));
                } catch (ResourceException e) {
                    if (make || e.code() != ErrorCode.UNAVAILABLE || member.size().isEmpty()) {
                        throw e;
                    }
                    absent.put(member, e);
                }
            }
            DisksPool pool = make ? make(disks, open, place) : reopen(spec, open, absent, place);
            pool.adopt(disks.adopt());
            return pool;
        } catch (RuntimeException e) {
            open.values().forEach(HostDisk::close);
            throw e;
        }
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
            DisksPool.Place place) {
        var members = new LinkedHashMap<String, HostDisk>();
        var blank = new LinkedHashMap<String, HostDisk>();
        disks.forEach((path, disk) -> (disk.isBlank() ? blank : members).put(path, disk));
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
            pool = DisksPool.open(members, place);
        } catch (ResourceException e) {
            throw absent.values().stream().findFirst().orElse(e);
        }
        try {
            blank.forEach((path, disk) -> pool.addMember(path, disk, place.location()));
            absent.forEach((member, _) ->
                    pool.addMember(member.path(), openEmpty(spec, member), place.location()));
            return pool;
        } catch (RuntimeException e) {
            pool.close();
            throw e;
        }
    }

    /**
     * Adds the disks that are new, and takes into use what the others have become larger by.
     *
     * @throws ResourceException if a disk cannot be added; those before it were
     */
    static void change(DisksPool pool, PoolSpec spec) {
        DisksSpec disks = spec.disks().orElseThrow();
        for (var member : disks.members()) {
            if (!pool.has(member.path())) {
                pool.addMember(member.path(), openEmpty(spec, member), location(disks));
            }
        }
        pool.growMembers(disks.members());
        pool.adopt(disks.adopt());
        pool.holdWhenFull(Duration.ofSeconds(disks.holdSeconds()));
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
    private static DisksPool make(
            DisksSpec spec, Map<String, HostDisk> disks, DisksPool.Place place) {
        if (disks.values().stream().allMatch(HostDisk::isBlank)) {
            DisksPool.create(
                    List.copyOf(disks.values()),
                    place.home(),
                    (int) spec.chunkSize().bytes(),
                    spec.striped());
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
