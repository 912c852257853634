package io.vireo.device.scsi;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockRatePolicy;
import io.vireo.block.BlockRates;
import io.vireo.block.DiskRecords;
import io.vireo.block.ExclusiveUse;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.DurableState;
import io.vireo.resource.spec.VhbaSpec;
import io.vireo.scsi.ScsiPort;
import io.vireo.scsi.ScsiTarget;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The logical units of this host: one for each disk, however many targets map it, so that
 * reservations and unit attentions are one. A service of the host; thread safe.
 */
public final class ScsiUnits {
    /** How often it is looked at whether pools are nearly full. */
    private static final long WATCH_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** By their codes (SPC-4, 5.16.2). */
    private static final List<VhbaSpec.Access> STATES =
            List.of(
                    VhbaSpec.Access.OPTIMIZED,
                    VhbaSpec.Access.NON_OPTIMIZED,
                    VhbaSpec.Access.STANDBY,
                    VhbaSpec.Access.UNAVAILABLE);

    private final ReactorGroup reactors;
    private final DurableState state;
    private final PortNumbers numbers = new PortNumbers();

    /** Numbers of logical unit groups. */
    private final PortNumbers groups = new PortNumbers();

    private final Map<String, Shared> units = new HashMap<>();

    /** Guarded by the map's monitor. */
    private boolean watching;

    /**
     * No units yet.
     *
     * @param state keeps what survives of persistent reservations and of wipes
     */
    public ScsiUnits(ReactorGroup reactors, DurableState state) {
        this.reactors = reactors;
        this.state = state;
    }

    /**
     * A disk that can be a logical unit.
     *
     * @param name for people
     * @param pool whose room the disk shares
     * @param unique unlike that of any other disk, and the same for ever: identity and reservations
     *     of the unit go with it
     */
    public record Disk(
            String name, String unique, BlockDevice block, ExclusiveUse use, BlockPool pool) {}

    /**
     * What is at a LUN.
     *
     * @param lun 0 to 16383
     * @param boot whether firmware is to boot from it: REPORT LUNS names it first
     * @param removable whether initiators can eject it
     */
    public record Lun(int lun, Disk disk, boolean readOnly, boolean boot, boolean removable) {
        /** One that nobody boots from, and that stays. */
        public Lun(int lun, Disk disk, boolean readOnly) {
            this(lun, disk, readOnly, false, false);
        }
    }

    /** A unit that targets share. Guarded by the map's monitor. */
    private static final class Shared {
        final LogicalUnit unit;
        final ExclusiveUse.Claim claim;

        /** The targets, one for each LUN at which they have it. */
        final List<String> users = new ArrayList<>();

        Shared(LogicalUnit unit, ExclusiveUse.Claim claim) {
            this.unit = unit;
            this.claim = claim;
        }

        static String title(String user) {
            return "vHBA " + user;
        }

        void enter(String user) {
            users.add(user);
            if (users.size() > 1) {
                tell();
            }
        }

        /** Whether somebody has it still. */
        boolean leave(String user) {
            users.remove(user);
            if (users.isEmpty()) {
                return false;
            }
            tell();
            return true;
        }

        private void tell() {
            claim.heldBy(
                    users.stream().distinct().map(Shared::title).collect(Collectors.joining(", ")));
        }
    }

    /**
     * Makes a target without units.
     *
     * @param wwpn name of its Fibre Channel port
     * @param wwnn name of the device
     */
    public Hba open(String name, long wwpn, long wwnn) {
        return new Hba(new UnitTarget(name, wwpn, wwnn, numbers));
    }

    private LogicalUnit acquire(Disk disk, String user) {
        synchronized (units) {
            Shared shared = units.get(disk.unique());
            if (shared == null) {
                ExclusiveUse.Claim claim = disk.use().claim(Shared.title(user), false);
                try {
                    Reactor owner = disk.block().home().orElseGet(reactors::next);
                    var unit =
                            new LogicalUnit(
                                    UnitIdentity.of(disk.name(), disk.unique()),
                                    groups.take(disk.unique()),
                                    disk.block(),
                                    owner,
                                    record(DiskRecords.RESERVATIONS, disk),
                                    record(DiskRecords.WIPE, disk),
                                    new SharedRoom(disk.pool()));
                    shared = new Shared(unit, claim);
                } catch (RuntimeException e) {
                    claim.release();
                    throw e;
                }
                units.put(disk.unique(), shared);
                if (!watching) {
                    watching = true;
                    reactors.control().execute(this::watch);
                }
            }
            shared.enter(user);
            return shared.unit;
        }
    }

    private void watch() {
        look();
        reactors.control().schedule(WATCH_NANOS, this::watch);
    }

    /** Looks which pools have come to a threshold, and has their units tell so. Any thread. */
    void look() {
        var known = new IdentityHashMap<BlockPool, Boolean>();
        List<LogicalUnit> all;
        synchronized (units) {
            all = units.values().stream().map(shared -> shared.unit).toList();
        }
        for (LogicalUnit unit : all) {
            SharedRoom room = unit.room();
            boolean over = known.computeIfAbsent(room.pool(), _ -> room.isOverThreshold());
            if (room.crosses(over)) {
                unit.owner().execute(unit::thresholdReached);
            }
        }
    }

    private UnitRecord record(DiskRecords what, Disk disk) {
        String key = what.key(disk.unique());
        return new UnitRecord() {
            @Override
            public Optional<String> load() {
                return state.get(key);
            }

            @Override
            public void save(Optional<String> value, Consumer<Boolean> done) {
                state.put(key, value, done);
            }
        };
    }

    private void release(String unique, String user, Runnable onReleased) {
        Shared last;
        synchronized (units) {
            Shared shared = units.get(unique);
            if (shared == null || shared.leave(user)) {
                last = null;
            } else {
                units.remove(unique);
                last = shared;
            }
        }
        if (last == null) {
            onReleased.run();
        } else {
            last.unit.close(() -> {
                last.claim.release();
                groups.release(last.unit.group());
                onReleased.run();
            });
        }
    }

    /**
     * A disk that a target maps.
     *
     * @param user what the disk knows the target as; null: it does not
     */
    private record Held(Disk disk, @Nullable BlockRates user) {
        static Held enter(Disk disk, @Nullable BlockRates user) {
            if (user != null) {
                disk.block().addUser(user);
            }
            return new Held(disk, user);
        }

        void leave() {
            if (user != null) {
                disk.block().removeUser(user);
            }
        }
    }

    /** A target whose units change while it is in use. One thread at a time. */
    public final class Hba {
        private final UnitTarget target;
        private List<Held> held = List.of();
        private Optional<BlockRatePolicy> ratePolicy = Optional.empty();

        private Hba(UnitTarget target) {
            this.target = target;
        }

        /** What transports present. */
        public ScsiTarget target() {
            return target;
        }

        /** Its Fibre Channel port. */
        public ScsiPort port() {
            return target.fibreChannelPort();
        }

        /**
         * How good this target is as a way to its units, from now on (implicit asymmetric access,
         * SPC-4, 5.16.2.7): initiators are told. What SET TARGET PORT GROUPS said is over with it.
         */
        public void access(VhbaSpec.Access access) {
            target.access(STATES.indexOf(access));
        }

        /** Takes the link up or down: whoever has a nexus is told. */
        public void link(boolean up) {
            target.link(up);
        }

        /** Commands of a nexus that are carried out at once, from now on. */
        public void queueDepth(int depth) {
            target.queueDepth(depth);
        }

        /**
         * Has the requests of all its commands together keep to the rates of a policy from now on,
         * those that wait included; empty: to none.
         *
         * @return the policy until now
         * @throws IllegalArgumentException if the policy cannot be had: nothing has changed
         */
        public Optional<BlockRatePolicy> rates(Optional<BlockRatePolicy> policy) {
            Optional<BlockRatePolicy> replaced = ratePolicy;
            if (policy.equals(replaced)) {
                return replaced;
            }
            BlockRates inForce = target.rates();
            if (inForce == null) {
                policy.ifPresent(this::begin);
            } else if (policy.isPresent()) {
                inForce.follow(policy.get());
            } else {
                target.rates(null);
                held.forEach(Held::leave);
                held = held.stream().map(each -> new Held(each.disk, null)).toList();
                inForce.close();
            }
            ratePolicy = policy;
            return replaced;
        }

        private void begin(BlockRatePolicy policy) {
            BlockRates rates = policy.open("vHBA " + target.name(), target::ratesChanged);
            var entered = new ArrayList<Held>();
            try {
                for (Held each : held) {
                    entered.add(Held.enter(each.disk, rates));
                }
            } catch (RuntimeException e) {
                entered.forEach(Held::leave);
                rates.close();
                throw e;
            }
            held = List.copyOf(entered);
            target.rates(rates);
        }

        /** Requests per second that are reserved for it in each pool of its disks; 0: none. */
        public long reservation() {
            BlockRates inForce = target.rates();
            return inForce == null ? 0 : inForce.reservation();
        }

        /** What the rates did; any thread. */
        public RateWaits waits() {
            return target.waits();
        }

        /** What was done at LUNs that are mapped, by LUN; any thread. */
        public SortedMap<Integer, UnitCounters> counters() {
            var all = new TreeMap<Integer, UnitCounters>();
            target.mappings().keySet().forEach(lun -> all.put(lun, target.counters(lun)));
            return all;
        }

        /** LUNs of units that an initiator has ejected; any thread. */
        public Set<Integer> ejected() {
            return target.mappings().values().stream()
                    .filter(mapping -> mapping.unit().condition().ejected())
                    .map(UnitTarget.Mapping::lun)
                    .collect(Collectors.toSet());
        }

        /** What initiators made this way to units (SET TARGET PORT GROUPS), by LUN; any thread. */
        public Map<Integer, VhbaSpec.Access> setByInitiators() {
            var states = new HashMap<Integer, VhbaSpec.Access>();
            for (UnitTarget.Mapping mapping : target.mappings().values()) {
                mapping.unit()
                        .portGroups()
                        .setByInitiator(target)
                        .ifPresent(state -> states.put(mapping.lun(), STATES.get(state)));
            }
            return states;
        }

        /** The ways that are in use now: {@code initiator port by target port}; any thread. */
        public List<String> paths() {
            return target.nexuses().stream()
                    .map(nexus -> nexus.initiator() + " by " + nexus.port())
                    .sorted()
                    .toList();
        }

        /** I_T nexuses that are open; any thread. */
        public int nexuses() {
            return target.nexuses().size();
        }

        /**
         * Maps these units and no others. Initiators are told, and tasks at units that are gone are
         * aborted.
         *
         * @throws io.vireo.resource.ResourceException if a disk is in use elsewhere: nothing has
         *     changed
         * @throws IllegalArgumentException if a pool has no room for what is reserved: nothing has
         *     changed
         */
        public void map(List<Lun> luns) {
            map(luns, () -> {});
        }

        private void map(List<Lun> luns, Runnable onDone) {
            var acquired = new ArrayList<Held>();
            var mappings = new ArrayList<UnitTarget.Mapping>();
            try {
                for (Lun lun : luns) {
                    LogicalUnit unit = acquire(lun.disk(), target.name());
                    acquired.add(hold(lun.disk()));
                    mappings.add(
                            new UnitTarget.Mapping(
                                    lun.lun(), unit, lun.readOnly(), lun.boot(), lun.removable()));
                }
            } catch (RuntimeException e) {
                acquired.forEach(each -> release(each, () -> {}));
                throw e;
            }
            List<Held> before = held;
            held = List.copyOf(acquired);
            target.map(mappings, () -> releaseAll(before, onDone));
        }

        /** The unit of a disk is acquired: its pool promises what is reserved. */
        private Held hold(Disk disk) {
            try {
                return Held.enter(disk, target.rates());
            } catch (RuntimeException e) {
                ScsiUnits.this.release(disk.unique(), target.name(), () -> {});
                throw e;
            }
        }

        private void release(Held each, Runnable onReleased) {
            each.leave();
            ScsiUnits.this.release(each.disk.unique(), target.name(), onReleased);
        }

        private void releaseAll(List<Held> disks, Runnable onDone) {
            var all = new AtomicInteger(disks.size() + 1);
            Runnable one =
                    () -> {
                        if (all.decrementAndGet() == 0) {
                            onDone.run();
                        }
                    };
            disks.forEach(each -> release(each, one));
            one.run();
        }

        /** Unmaps everything; {@code onClosed} runs when all disks are given back. */
        public void close(Runnable onClosed) {
            map(
                    List.of(),
                    () -> {
                        rates(Optional.empty());
                        target.close();
                        onClosed.run();
                    });
        }
    }
}
