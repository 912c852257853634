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
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceLoader;
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
        long chunk = spec.chunkSize().bytes();
        if (Long.bitCount(chunk) != 1 || chunk < MIN_CHUNK || chunk > MAX_CHUNK) {
            violations.add(
                    new Violation(
                            "/spec/disks/chunkSize", "must be a power of two from 16Ki to 1Mi"));
        }
        return violations;
    }

    /** What of a pool is fixed: all but how long writes wait. */
    static List<Violation> validateUpdate(DisksSpec before, DisksSpec after) {
        var violations = new ArrayList<Violation>();
        if (!paths(before).equals(paths(after))) {
            violations.add(
                    new Violation(
                            "/spec/disks/members",
                            "cannot change: make another pool and copy the vDisks"));
        }
        if (!before.chunkSize().equals(after.chunkSize())) {
            violations.add(
                    new Violation("/spec/disks/chunkSize", "is fixed when the pool is made"));
        }
        if (before.striped() != after.striped()) {
            violations.add(new Violation("/spec/disks/striped", "is fixed when the pool is made"));
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
        String location = paths(disks).stream().collect(Collectors.joining(", "));
        Duration hold = Duration.ofSeconds(disks.holdSeconds());
        var open = new ArrayList<HostDisk>();
        try {
            for (var member : disks.members()) {
                open.add(open(spec, member, create));
            }
            return create
                    ? make(disks, location, open, home, hold, runtime)
                    : DisksPool.open(location, open, home, hold, Optional.of(runtime));
        } catch (RuntimeException e) {
            open.forEach(HostDisk::close);
            throw e;
        }
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
            DisksSpec spec,
            String location,
            List<HostDisk> disks,
            Reactor home,
            Duration hold,
            Path runtime) {
        if (disks.stream().allMatch(HostDisk::isBlank)) {
            DisksPool.create(disks, home, (int) spec.chunkSize().bytes(), spec.striped());
            return DisksPool.open(location, disks, home, hold, Optional.of(runtime));
        }
        DisksPool there;
        try {
            there = DisksPool.open(location, disks, home, hold, Optional.of(runtime));
        } catch (ResourceException e) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "a disk of "
                            + location
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
                    location + " hold a pool with " + volumes + " vDisks and snapshots already");
        }
        return there;
    }
}
