package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockDevice;
import io.vireo.reactor.Reactor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Quality of service of a pool: what it can do, the policy of the vDisks that have none of their
 * own, and what is reserved. Any thread.
 */
public final class PoolQos implements DiskQosPolicy.User {
    /** Names in a message: enough to know where to look. */
    private static final int NAMED_AT_MOST = 8;

    private final String name;
    private final LongSupplier nanoTime;

    // Guarded by this.
    private final List<VdiskQos> vdisks = new ArrayList<>();
    private final List<DiskQosPolicy> used = new ArrayList<>();
    private final Map<Reactor, Lane> laneOf = new LinkedHashMap<>();
    private Optional<DiskQosPolicy> fallback = Optional.empty();

    private volatile Lane[] lanes = {};
    private volatile long iops;
    private volatile long reserved;

    /**
     * @param name of the pool, for messages
     * @param iops units per second that the pool can do; 0: it does not say
     * @param nanoTime the clock
     */
    public PoolQos(
            String name, long iops, Optional<DiskQosPolicy> fallback, LongSupplier nanoTime) {
        this.name = name;
        this.iops = iops;
        this.nanoTime = nanoTime;
        this.fallback = fallback;
        refresh();
    }

    /** Units per second that the pool can do; 0: it does not say, and nothing is shared out. */
    public long iops() {
        return iops;
    }

    /** What is reserved of it, in units per second. */
    public long reserved() {
        return reserved;
    }

    /**
     * A vDisk is opened.
     *
     * @param own its own policy; empty: the pool's
     * @throws IllegalArgumentException if there is no room for what it reserves
     */
    public synchronized VdiskQos add(String vdisk, Optional<DiskQosPolicy> own) {
        var added = new VdiskQos(vdisk, this, own, nanoTime.getAsLong());
        vdisks.add(added);
        try {
            check(iops, this::settings);
        } catch (IllegalArgumentException e) {
            vdisks.remove(added);
            throw e;
        }
        refresh();
        return added;
    }

    /** The stage of a vDisk in front of a device. */
    public QosDevice stage(VdiskQos vdisk, BlockDevice device) {
        return new QosDevice(device, vdisk, nanoTime);
    }

    synchronized void remove(VdiskQos vdisk) {
        vdisks.remove(vdisk);
        refresh();
    }

    synchronized void change(VdiskQos vdisk, Optional<DiskQosPolicy> policy) {
        var before = vdisk.own();
        vdisk.own(policy);
        try {
            check(iops, this::settings);
        } catch (IllegalArgumentException e) {
            vdisk.own(before);
            throw e;
        }
        refresh();
    }

    /**
     * Says anew what the pool can do, and sets the policy of the vDisks that have none of their
     * own.
     *
     * @throws IllegalArgumentException if there is no room for what is reserved; nothing has
     *     changed
     */
    public synchronized void change(long newIops, Optional<DiskQosPolicy> newFallback) {
        var before = fallback;
        fallback = newFallback;
        try {
            check(newIops, this::settings);
        } catch (IllegalArgumentException e) {
            fallback = before;
            throw e;
        }
        iops = newIops;
        refresh();
        vdisks.forEach(VdiskQos::wakeChannels);
    }

    /** The pool is closed: its policies have one user less. */
    public synchronized void close() {
        used.forEach(policy -> policy.removeUser(this));
        used.clear();
    }

    @Override
    public synchronized void admit(DiskQosPolicy policy, DiskQosSettings proposed) {
        check(
                iops,
                vdisk ->
                        policy(vdisk).filter(inForce -> inForce == policy).isPresent()
                                ? proposed
                                : settings(vdisk));
    }

    @Override
    public synchronized void changed() {
        refresh();
    }

    synchronized Optional<DiskQosPolicy> policyOf(VdiskQos vdisk) {
        return policy(vdisk);
    }

    /** The lane of a reactor. */
    synchronized Lane lane(Reactor reactor) {
        return laneOf.computeIfAbsent(reactor, _ -> newLane());
    }

    synchronized Lane newLane() {
        var lane = new Lane(this, nanoTime.getAsLong());
        lanes = Arrays.copyOf(lanes, lanes.length + 1);
        lanes[lanes.length - 1] = lane;
        return lane;
    }

    Lane[] lanes() {
        return lanes;
    }

    private Optional<DiskQosPolicy> policy(VdiskQos vdisk) {
        return vdisk.own().or(() -> fallback);
    }

    private DiskQosSettings settings(VdiskQos vdisk) {
        return policy(vdisk).map(DiskQosPolicy::settings).orElse(DiskQosSettings.NONE);
    }

    private void check(long capability, Function<VdiskQos, DiskQosSettings> settings) {
        long sum = 0;
        var names = new ArrayList<String>();
        for (var vdisk : vdisks) {
            long reservation = settings.apply(vdisk).reservation();
            if (reservation > 0) {
                sum += reservation;
                names.add(vdisk.name() + " " + reservation);
            }
        }
        if (sum > 0 && capability == 0) {
            throw new IllegalArgumentException(
                    "pool "
                            + name
                            + " does not say what it can do, so that nothing of it can be reserved: set the"
                            + " iops of the Pool");
        }
        if (sum > capability) {
            throw new IllegalArgumentException(
                    "reservations of "
                            + sum
                            + " IOPS are more than the "
                            + capability
                            + " of pool "
                            + name
                            + ": "
                            + list(names));
        }
    }

    private static String list(List<String> names) {
        var shown = names.subList(0, Math.min(names.size(), NAMED_AT_MOST));
        int more = names.size() - shown.size();
        return String.join(", ", shown) + (more > 0 ? " and " + more + " more" : "");
    }

    /** Brings vDisks and policies in line with what is wanted. */
    private void refresh() {
        long now = nanoTime.getAsLong();
        var wanted = new ArrayList<DiskQosPolicy>();
        fallback.ifPresent(wanted::add);
        long sum = 0;
        for (var vdisk : vdisks) {
            vdisk.own().ifPresent(wanted::add);
            DiskQosSettings settings = settings(vdisk);
            sum += settings.reservation();
            if (!settings.equals(vdisk.settings())) {
                vdisk.apply(settings, now);
            }
        }
        reserved = sum;
        for (var policy : List.copyOf(used)) {
            if (!wanted.contains(policy)) {
                used.remove(policy);
                policy.removeUser(this);
            }
        }
        for (var policy : wanted) {
            if (!used.contains(policy)) {
                used.add(policy);
                policy.addUser(this);
            }
        }
    }
}
