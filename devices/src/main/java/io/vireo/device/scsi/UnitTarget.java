package io.vireo.device.scsi;

import io.vireo.block.BlockRates;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.scsi.NexusListener;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiPort;
import io.vireo.scsi.ScsiTarget;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A target device whose logical units are {@link LogicalUnit}s, each mapped to a LUN. All of its
 * ports are one target port group. Mappings are changed by one thread at a time; the rest is thread
 * safe.
 */
final class UnitTarget implements ScsiTarget {
    /**
     * A logical unit at a LUN.
     *
     * @param boot whether firmware is to boot from it
     * @param removable whether initiators can eject it
     */
    record Mapping(int lun, LogicalUnit unit, boolean readOnly, boolean boot, boolean removable) {
        Mapping(int lun, LogicalUnit unit, boolean readOnly) {
            this(lun, unit, readOnly, false, false);
        }

        /** Whether initiators see the same of it by both. */
        boolean isSame(Mapping other) {
            return unit == other.unit && readOnly == other.readOnly && removable == other.removable;
        }
    }

    private final String name;
    private final PortNumbers numbers;
    private final int group;
    private final List<ScsiPort> ports = new CopyOnWriteArrayList<>();
    private final List<Nexus> nexuses = new CopyOnWriteArrayList<>();
    private final Map<Integer, UnitCounters> counters = new ConcurrentHashMap<>();
    private volatile int access = PortGroups.OPTIMIZED;
    private volatile boolean linkUp = true;
    private volatile int queueDepth = LogicalUnit.MAX_TASKS;
    private final RateWaits waits = new RateWaits();
    private volatile @Nullable BlockRates rates;
    private volatile SortedMap<Integer, Mapping> mappings = new TreeMap<>();

    /**
     * A target without units.
     *
     * @param wwpn name of its Fibre Channel port
     * @param wwnn name of the device
     */
    UnitTarget(String name, long wwpn, long wwnn, PortNumbers numbers) {
        this.name = name;
        this.numbers = numbers;
        group = numbers.take(name);
        ports.add(new ScsiPort.FibreChannel(numbers.take("naa." + wwpn), wwpn, wwnn));
    }

    @Override
    public String name() {
        return name;
    }

    /** Number of its target port group. */
    int group() {
        return group;
    }

    @Override
    public List<ScsiPort> ports() {
        return List.copyOf(ports);
    }

    /** The Fibre Channel port. */
    ScsiPort.FibreChannel fibreChannelPort() {
        return (ScsiPort.FibreChannel) ports.getFirst();
    }

    /**
     * Ports of a target at most: REPORT TARGET PORT GROUPS has eight bits for how many a group has
     * (SPC-4, 6.37), and all of a target's are in one.
     */
    static final int MAX_PORTS = 255;

    @Override
    public synchronized ScsiPort.Iscsi iscsiPort(String targetName, int portalGroup) {
        for (ScsiPort port : ports) {
            if (port instanceof ScsiPort.Iscsi iscsi
                    && iscsi.targetName().equals(targetName)
                    && iscsi.portalGroup() == portalGroup) {
                return iscsi;
            }
        }
        if (ports.size() == MAX_PORTS) {
            throw new ResourceException(
                    ErrorCode.EXHAUSTED,
                    "vHBA "
                            + name
                            + " has "
                            + MAX_PORTS
                            + " target ports, one for each portal group of each of its IscsiTargets and its own:"
                            + " take portal groups from them, or show its vDisks by another vHBA");
        }
        int number = numbers.take(targetName + "," + portalGroup);
        var made = new ScsiPort.Iscsi(number, targetName, portalGroup);
        ports.add(made);
        return made;
    }

    @Override
    public synchronized void removePort(ScsiPort port) {
        if (port instanceof ScsiPort.Iscsi && ports.remove(port)) {
            numbers.release(port.relativeId());
        }
    }

    @Override
    public Optional<Reactor> home() {
        Reactor home = null;
        for (Mapping mapping : mappings.values()) {
            if (home != null && home != mapping.unit().owner()) {
                return Optional.empty();
            }
            home = mapping.unit().owner();
        }
        return Optional.ofNullable(home);
    }

    @Override
    public int maxTransferBytes() {
        return LogicalUnit.MAX_TRANSFER;
    }

    @Override
    public ScsiNexus open(
            ScsiInitiator initiator, ScsiPort through, Reactor reactor, NexusListener listener) {
        var nexus = new Nexus(this, initiator, through, reactor, listener);
        // In this order: a mapping that changes meanwhile is either seen by open() or told later.
        nexuses.add(nexus);
        nexus.open();
        if (!linkUp) {
            reactor.execute(nexus::linkChanged);
        }
        return nexus;
    }

    @Override
    public boolean isLinkUp() {
        return linkUp;
    }

    /** Takes its link up or down; one thread. */
    void link(boolean up) {
        if (up != linkUp) {
            linkUp = up;
            nexuses.forEach(nexus -> nexus.reactor().execute(nexus::linkChanged));
        }
    }

    /** Its access state for all of its units, of those of {@link PortGroups}; one thread. */
    void access(int state) {
        if (state == access) {
            return;
        }
        access = state;
        for (Mapping mapping : mappings.values()) {
            LogicalUnit unit = mapping.unit();
            unit.owner().execute(() -> unit.accessGiven(this));
        }
    }

    /** The access state that it was given. */
    int access() {
        return access;
    }

    /** A nexus is closed. */
    void closed(Nexus nexus) {
        nexuses.remove(nexus);
    }

    /** Nexuses that are open. */
    List<Nexus> nexuses() {
        return nexuses;
    }

    /** What is mapped, by LUN. */
    SortedMap<Integer, Mapping> mappings() {
        return mappings;
    }

    /**
     * Changes all that is mapped at once. Units that stay where they are go on working; initiators
     * are told, if something changes.
     *
     * @param onDone runs, on any thread, when no nexus has a task at a unit that is gone
     */
    void map(List<Mapping> wanted, Runnable onDone) {
        var before = mappings;
        var next = new TreeMap<Integer, Mapping>();
        wanted.forEach(mapping -> next.put(mapping.lun(), mapping));
        if (next.equals(before)) {
            onDone.run();
            return;
        }
        mappings = next;
        counters.keySet().retainAll(next.keySet());
        for (Mapping mapping : next.values()) {
            mapping.unit().addTarget(this);
            Mapping earlier = before.get(mapping.lun());
            if (earlier == null || earlier.unit() != mapping.unit()) {
                mapping.unit().load();
            }
        }
        List<Nexus> open = List.copyOf(nexuses);
        var left = new AtomicInteger(open.size() + 1);
        Runnable passed =
                () -> {
                    if (left.decrementAndGet() == 0) {
                        before.values().stream()
                                .map(Mapping::unit)
                                .filter(unit ->
                                        next.values().stream().noneMatch(m -> m.unit() == unit))
                                .forEach(unit -> unit.removeTarget(this));
                        onDone.run();
                    }
                };
        for (Nexus nexus : open) {
            nexus.reactor().execute(() -> nexus.remap(passed));
        }
        passed.run();
    }

    /** Commands of a nexus that are carried out at once. */
    int queueDepth() {
        return queueDepth;
    }

    /** Changes {@link #queueDepth}; commands that there are stay. */
    void queueDepth(int depth) {
        queueDepth = depth;
    }

    /** What the requests of its commands keep to; nothing: they need not. */
    @Nullable BlockRates rates() {
        return rates;
    }

    /** Whether something is reserved for its commands. */
    boolean isCommitted() {
        BlockRates inForce = rates;
        return inForce != null && inForce.reservation() != 0;
    }

    /** Has the requests of its commands keep to rates, those that wait included. */
    void rates(@Nullable BlockRates newRates) {
        rates = newRates;
        ratesChanged();
    }

    /** Those that wait for rates look again. */
    void ratesChanged() {
        for (Mapping mapping : mappings.values()) {
            LogicalUnit unit = mapping.unit();
            unit.owner().execute(unit::lookAgain);
        }
    }

    /** What its rates did. */
    RateWaits waits() {
        return waits;
    }

    /** What was done at a LUN that is mapped. */
    UnitCounters counters(int lun) {
        return counters.computeIfAbsent(lun, _ -> new UnitCounters());
    }

    /** Gives its numbers back; nothing is mapped and no nexus is open any more. */
    void close() {
        ports.forEach(port -> numbers.release(port.relativeId()));
        numbers.release(group);
    }
}
