package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockRates;
import io.vireo.reactor.Reactor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

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

    /** Users of the vDisks, of each vDisk as often as they were added there. */
    private final Map<VdiskQos, List<UserRates>> users = new HashMap<>();

    private final List<DiskQosPolicy> used = new ArrayList<>();
    private final Map<Reactor, Lane> laneOf = new LinkedHashMap<>();
    private Set<UserRates> present = Set.of();
    private Optional<DiskQosPolicy> fallback = Optional.empty();

    private volatile Lane[] lanes = {};
    private volatile Commitment[] commitments = {};
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
    public VdiskQos add(String vdisk, Optional<DiskQosPolicy> own) {
        return add(vdisk, own, new DiskUsers());
    }

    /**
     * A vDisk that is in another pool may come to this one: those who use it there use it here.
     *
     * @param own its own policy; empty: the pool's
     * @throws IllegalArgumentException if there is no room for what it, or they, reserve
     */
    public VdiskQos add(String vdisk, Optional<DiskQosPolicy> own, VdiskQos there) {
        return add(vdisk, own, there.users());
    }

    private VdiskQos add(String vdisk, Optional<DiskQosPolicy> own, DiskUsers users) {
        var added = new VdiskQos(vdisk, this, own, users, nanoTime.getAsLong());
        synchronized (Admission.ONE) {
            users.enter(added);
        }
        return added;
    }

    synchronized void enter(VdiskQos vdisk, List<UserRates> itsUsers) {
        vdisks.add(vdisk);
        users.put(vdisk, List.copyOf(itsUsers));
        try {
            check(iops, this::settings, UserRates::reservation);
        } catch (IllegalArgumentException e) {
            vdisks.remove(vdisk);
            users.remove(vdisk);
            throw e;
        }
        refresh();
    }

    synchronized void leave(VdiskQos vdisk) {
        vdisks.remove(vdisk);
        users.remove(vdisk);
        refresh();
    }

    /**
     * A vDisk has these users from now on, all that it had among them.
     *
     * @throws IllegalArgumentException if there is no room for what they reserve: nothing has
     *     changed
     */
    synchronized void moreUsers(VdiskQos vdisk, List<UserRates> itsUsers) {
        List<UserRates> before = users.put(vdisk, List.copyOf(itsUsers));
        try {
            check(iops, this::settings, UserRates::reservation);
        } catch (IllegalArgumentException e) {
            users.put(vdisk, before == null ? List.of() : before);
            throw e;
        }
        refresh();
    }

    /** A vDisk has no more than these of its users from now on, whatever there is room for. */
    synchronized void fewerUsers(VdiskQos vdisk, List<UserRates> itsUsers) {
        users.put(vdisk, List.copyOf(itsUsers));
        refresh();
    }

    /** What is promised to a user; null: nothing. Any thread. */
    @Nullable Commitment commitment(BlockRates user) {
        for (Commitment commitment : commitments) {
            if (commitment.user == user) {
                return commitment;
            }
        }
        return null;
    }

    /** The stage of a vDisk in front of a device. */
    public QosDevice stage(VdiskQos vdisk, BlockDevice device) {
        return new QosDevice(device, vdisk, nanoTime);
    }

    synchronized void change(VdiskQos vdisk, Optional<DiskQosPolicy> policy) {
        var before = vdisk.own();
        vdisk.own(policy);
        try {
            check(iops, this::settings, UserRates::reservation);
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
    public void change(long newIops, Optional<DiskQosPolicy> newFallback) {
        synchronized (Admission.ONE) {
            admit(newIops, newFallback);
        }
    }

    private synchronized void admit(long newIops, Optional<DiskQosPolicy> newFallback) {
        var before = fallback;
        fallback = newFallback;
        try {
            check(newIops, this::settings, UserRates::reservation);
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
                                : settings(vdisk),
                user -> user.reservation(policy, proposed));
    }

    /**
     * Whether a user could keep to other settings.
     *
     * @throws IllegalArgumentException with a message that says why not
     */
    synchronized void admit(UserRates changing, DiskQosSettings proposed) {
        check(
                iops,
                this::settings,
                user -> user == changing ? proposed.reservation() : user.reservation());
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

    private void check(
            long capability,
            Function<VdiskQos, DiskQosSettings> settings,
            ToLongFunction<UserRates> reservationOf) {
        long sum = 0;
        var names = new ArrayList<String>();
        for (var vdisk : vdisks) {
            long reservation = settings.apply(vdisk).reservation();
            if (reservation > 0) {
                sum += reservation;
                names.add(vdisk.name() + " " + reservation);
            }
        }
        for (var user : allUsers()) {
            long reservation = reservationOf.applyAsLong(user);
            if (reservation > 0) {
                sum += reservation;
                names.add(user.name() + " " + reservation);
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

    /** All users, each once. */
    private Set<UserRates> allUsers() {
        var all = new LinkedHashSet<UserRates>();
        vdisks.forEach(vdisk -> all.addAll(users.getOrDefault(vdisk, List.of())));
        return all;
    }

    /** Brings commitments in line with what users reserve; returns the sum. */
    private long refresh(Set<UserRates> all, long now) {
        var next = new ArrayList<Commitment>();
        long sum = 0;
        present.stream().filter(user -> !all.contains(user)).forEach(user -> user.leaves(this));
        present = all;
        for (var user : all) {
            user.uses(this);
            long reservation = user.reservation();
            if (reservation > 0) {
                Commitment known = commitment(user);
                Commitment commitment = known == null ? new Commitment(user, now) : known;
                commitment.change(reservation, now);
                next.add(commitment);
                sum += reservation;
            }
        }
        Commitment[] before = commitments;
        commitments = next.toArray(Commitment[]::new);
        boolean fewer = false;
        for (Commitment commitment : before) {
            if (!next.contains(commitment)) {
                commitment.end();
                fewer = true;
            }
        }
        if (fewer) {
            vdisks.forEach(VdiskQos::wakeChannels);
        }
        return sum;
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
        Set<UserRates> all = allUsers();
        all.forEach(user -> wanted.add(user.policy()));
        reserved = sum + refresh(all, now);
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
