package io.vireo.fabric.l2;

import io.vireo.fabric.l2.qos.UplinkScheduler;
import io.vireo.net.QosPolicy;
import io.vireo.net.QosSettings;
import io.vireo.net.QosSettings.Marking;
import io.vireo.net.UplinkSpeed;
import io.vireo.resource.BitRate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The policies of a switch: which one each port has, whether the uplink can hold their
 * reservations, and what becomes of them when they change. A port's own policy wins whole over the
 * network's. All on the switch's reactor, but for what {@link QosPolicy.User} asks.
 */
final class SwitchQos implements QosPolicy.User, UplinkSpeed.User {
    private static final int NAMED_AT_MOST = 8;

    /** A port of a server. */
    private static final class Member {
        final BridgePort port;
        final PortQos qos;
        final Runnable wake;
        Optional<QosPolicy> own;

        Member(BridgePort port, Optional<QosPolicy> own, Runnable wake) {
            this.port = port;
            this.own = own;
            this.wake = wake;
            this.qos = new PortQos(port);
        }
    }

    private final Consumer<Runnable> onReactor;
    private final LongSupplier nanoTime;
    private final UplinkStage stage = new UplinkStage();
    private final Map<BridgePort, Member> members = new LinkedHashMap<>();
    private Set<QosPolicy> policies = Set.of();
    private Optional<QosPolicy> fallback = Optional.empty();
    private @Nullable BridgePort uplink;
    private @Nullable UplinkSpeed uplinkSpeed;
    private volatile long speed;
    private volatile long reserved;
    private @Nullable UplinkScheduler scheduler;

    /**
     * Without ports.
     *
     * @param onReactor has the switch's reactor do something, and waits
     * @param nanoTime of the reactor
     */
    SwitchQos(Consumer<Runnable> onReactor, LongSupplier nanoTime) {
        this.onReactor = onReactor;
        this.nanoTime = nanoTime;
    }

    /** What the uplink says that it carries, in bit/s; 0 if there is none or it does not say. */
    long speed() {
        return speed;
    }

    /** What is reserved of the uplink, in bit/s. */
    long reserved() {
        return reserved;
    }

    /**
     * An uplink was plugged in, instead of the one before.
     *
     * @param policy that ports have which have none of their own
     * @throws IllegalArgumentException if it cannot hold what is reserved; nothing has changed
     */
    void uplink(BridgePort port, UplinkSpeed says, Optional<QosPolicy> policy) {
        var before = fallback;
        fallback = policy;
        try {
            check(this::settings, port, says.bitsPerSecond());
        } catch (IllegalArgumentException e) {
            fallback = before;
            throw e;
        }
        leaveUplink();
        uplink = port;
        uplinkSpeed = says;
        speed = says.bitsPerSecond();
        says.addUser(this);
        refresh();
    }

    private void leaveUplink() {
        if (uplink != null) {
            uplink.egress = BridgePort.without(uplink.egress, stage);
        }
        if (uplinkSpeed != null) {
            uplinkSpeed.removeUser(this);
        }
        uplink = null;
        uplinkSpeed = null;
        speed = 0;
        scheduler = null;
    }

    @Override
    public void admit(long bitsPerSecond) {
        onReactor.accept(() -> check(this::settings, uplink, bitsPerSecond));
    }

    @Override
    public void changed() {
        onReactor.accept(() -> {
            if (uplinkSpeed != null) {
                speed = uplinkSpeed.bitsPerSecond();
                // The flows of all ports begin anew.
                scheduler = null;
                refresh();
            }
        });
    }

    /**
     * A port of a server was plugged in.
     *
     * @param own its own policy; empty: the network's
     * @param wake has the port looked at again, which may be asleep until its rate allows more
     * @throws IllegalArgumentException if there is no room for it
     */
    void add(BridgePort port, Optional<QosPolicy> own, Runnable wake) {
        var member = new Member(port, own, wake);
        members.put(port, member);
        try {
            check(this::settings);
        } catch (IllegalArgumentException e) {
            members.remove(port);
            throw e;
        }
        refresh();
    }

    /** A port is unplugged: the uplink, or a server's. */
    void remove(BridgePort port) {
        if (port == uplink) {
            leaveUplink();
        }
        var member = members.remove(port);
        if (member != null) {
            member.qos.change(QosSettings.NONE, null, nanoTime.getAsLong());
            port.qos = null;
        }
        refresh();
    }

    /**
     * Gives a port its own policy, or takes it away. An uplink has none.
     *
     * @return what it had before
     * @throws IllegalArgumentException if there is no room for it; nothing has changed
     */
    Optional<QosPolicy> change(BridgePort port, Optional<QosPolicy> policy) {
        var member = members.get(port);
        if (member == null || member.own.equals(policy)) {
            return policy;
        }
        var before = member.own;
        member.own = policy;
        try {
            check(this::settings);
        } catch (IllegalArgumentException e) {
            member.own = before;
            throw e;
        }
        refresh();
        return before;
    }

    /** The policy of the ports that have none of their own. */
    Optional<QosPolicy> fallback() {
        return fallback;
    }

    /**
     * Sets the policy of the ports that have none of their own.
     *
     * @throws IllegalArgumentException if there is no room for it; nothing has changed
     */
    void fallback(Optional<QosPolicy> policy) {
        var before = fallback;
        fallback = policy;
        try {
            check(this::settings);
        } catch (IllegalArgumentException e) {
            fallback = before;
            throw e;
        }
        refresh();
    }

    @Override
    public void admit(QosPolicy policy, QosSettings proposed) {
        onReactor.accept(() ->
                check(member ->
                        policy(member).filter(used -> used == policy).isPresent()
                                ? proposed
                                : settings(member)));
    }

    @Override
    public void changed(QosPolicy policy) {
        onReactor.accept(this::refresh);
    }

    private Optional<QosPolicy> policy(Member member) {
        return member.own.or(() -> fallback);
    }

    private QosSettings settings(Member member) {
        return policy(member).map(QosPolicy::settings).orElse(QosSettings.NONE);
    }

    private void check(Function<Member, QosSettings> settings) {
        check(settings, uplink, speed);
    }

    private void check(
            Function<Member, QosSettings> settings, @Nullable BridgePort port, long room) {
        long sum = 0;
        var reserved = new ArrayList<String>();
        for (var member : members.values()) {
            long reservation = settings.apply(member).reservation();
            if (reservation > 0) {
                sum += reservation;
                reserved.add(member.port.port.name() + " " + text(reservation));
            }
        }
        if (port == null || sum == 0) {
            return;
        }
        if (room == 0) {
            throw new IllegalArgumentException(
                    "uplink "
                            + port.port.name()
                            + " does not say its speed, so that nothing of it can be reserved: set the speed"
                            + " of the Uplink");
        }
        if (sum > room) {
            throw new IllegalArgumentException(
                    "reservations of "
                            + text(sum)
                            + " are more than the "
                            + text(room)
                            + " of uplink "
                            + port.port.name()
                            + ": "
                            + list(reserved));
        }
    }

    private static String text(long rate) {
        return rate > BitRate.MAX ? rate + " bit/s" : new BitRate(rate).text();
    }

    private static String list(List<String> names) {
        var shown = names.subList(0, Math.min(names.size(), NAMED_AT_MOST));
        int more = names.size() - shown.size();
        return String.join(", ", shown) + (more > 0 ? " and " + more + " more" : "");
    }

    /** Brings ports, uplink and policies in line with what is wanted. */
    private void refresh() {
        long now = nanoTime.getAsLong();
        refreshScheduler(now);
        long sum = 0;
        for (var member : members.values()) {
            var settings = settings(member);
            sum += settings.reservation();
            boolean shares = scheduler != null && (speed > 0 || settings.limit() > 0);
            member.qos.change(settings, shares ? scheduler : null, now);
            boolean idle =
                    !shares
                            && settings.transmit().isEmpty()
                            && settings.receive().isEmpty()
                            && settings.marking().equals(Marking.NONE);
            member.port.qos = idle ? null : member.qos;
            member.port.policyInForce = policy(member);
            member.wake.run();
        }
        reserved = uplink == null ? 0 : sum;
        refreshUses();
    }

    private void refreshUses() {
        var used = new HashSet<QosPolicy>();
        members.values().forEach(member -> member.own.ifPresent(used::add));
        fallback.ifPresent(used::add);
        for (var policy : policies) {
            if (!used.contains(policy)) {
                policy.removeUser(this);
            }
        }
        used.forEach(policy -> policy.addUser(this));
        policies = used;
    }

    /** An uplink that does not say its speed is never congested, but limits hold there too. */
    private void refreshScheduler(long now) {
        boolean needed =
                uplink != null
                        && (speed > 0
                                || members.values().stream()
                                        .anyMatch(member -> settings(member).limit() > 0));
        if (uplink != null) {
            uplink.egress = BridgePort.without(uplink.egress, stage);
            if (needed) {
                uplink.egress = BridgePort.with(uplink.egress, stage);
            }
        }
        if (!needed) {
            scheduler = null;
        } else if (scheduler == null) {
            scheduler = new UplinkScheduler(speed > 0 ? speed : BitRate.MAX, now);
        }
    }

    /** Lets go of all policies: the switch is closed. */
    void close() {
        leaveUplink();
        policies.forEach(policy -> policy.removeUser(this));
        policies = Set.of();
    }
}
