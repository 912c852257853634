package io.vireo.fabric.l2.bond;

import io.vireo.fabric.l2.packet.OwnFrame;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.net.Uplink;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import io.vireo.resource.Metric;
import io.vireo.resource.spec.UplinkSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Several uplinks as one port of a network. The members belong to the network's reactor while the
 * bond does, and to no other network.
 *
 * <p>Links are looked at again with every batch that is sent, so no event is waited for to leave a
 * member whose link went down.
 */
public final class Bond implements NetPort, Uplink {
    private final String name;
    private final List<String> names;
    private final NetPort[] members;
    private final MemberPolicy policy;
    private final UplinkSpec.HashPolicy hashPolicy;
    private final int mtuLimit;
    private final List<Uplink> uplinks;
    private final Runnable linkListener = this::linkChanged;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

    /** Frames to send by each member, and their numbers. */
    private final int[][] leaving;

    private final int[] leavingCount;

    private volatile PortState state = PortState.DOWN;
    private volatile @Nullable Reactor reactor;
    private volatile long moves;
    private @Nullable Timer timer;
    private Runnable reroute = () -> {};
    private Runnable cameUp = () -> {};
    private @Nullable NetPort lender;
    private int turn;

    /**
     * Joins uplinks.
     *
     * @param name for logs and metrics
     * @param spec of a bond
     * @param uplinks the members, in the order of preference; closed by their own owners
     * @param system MAC address for LACP, octets little-endian
     */
    public Bond(String name, UplinkSpec spec, List<Uplink> uplinks, long system) {
        this.name = name;
        this.uplinks = List.copyOf(uplinks);
        names = spec.members();
        hashPolicy = spec.hashPolicy();
        members = uplinks.stream().map(Uplink::port).toArray(NetPort[]::new);
        leaving = new int[members.length][FrameBatch.CAPACITY];
        leavingCount = new int[members.length];
        mtuLimit = spec.mtu();
        policy =
                switch (spec.bondMode()) {
                    case ACTIVE_BACKUP ->
                            new ActiveBackup(
                                    members, TimeUnit.SECONDS.toNanos(spec.failBackSeconds()));
                    case LACP ->
                            new LacpPolicy(
                                    members,
                                    system,
                                    spec.lacpRate() == UplinkSpec.LacpRate.FAST,
                                    this::sendOwn,
                                    this::now);
                };
        for (var uplink : uplinks) {
            uplink.onChange(linkListener);
        }
    }

    private void linkChanged() {
        var owner = reactor;
        if (owner != null) {
            owner.execute(this::evaluateIfAttached);
        }
    }

    private void evaluateIfAttached() {
        if (reactor != null) {
            evaluate();
        }
    }

    /** Has the policy look again, and does what follows from it. */
    private void evaluate() {
        long now = now();
        policy.evaluate(now);
        follow(now);
    }

    private void follow(long now) {
        var before = state;
        state = policy.senderCount() > 0 ? PortState.UP : PortState.DOWN;
        boolean moved = policy.moves() != moves;
        moves = policy.moves();
        schedule(now);
        if (moved) {
            reroute.run();
        } else if (before == PortState.DOWN && state == PortState.UP) {
            cameUp.run();
        }
        if (moved || before != state) {
            listeners.forEach(Runnable::run);
        }
    }

    /** The time of the reactor that has the bond, in nanoseconds. */
    private long now() {
        var owner = reactor;
        return owner == null ? 0 : owner.nanoTime();
    }

    private void schedule(long now) {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
        var owner = reactor;
        long next = policy.nextWakeup();
        if (owner != null && next != Long.MAX_VALUE) {
            timer = owner.schedule(Math.max(0, next - now), this::evaluateIfAttached);
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public NetPort port() {
        return this;
    }

    @Override
    public PortState state() {
        return state;
    }

    @Override
    public int mtu() {
        int least = mtuLimit;
        for (var member : members) {
            least = Math.min(least, member.mtu());
        }
        return least;
    }

    @Override
    public void attached(Reactor owner, Runnable ready) {
        int done = 0;
        try {
            for (; done < members.length; done++) {
                members[done].attached(owner, ready);
            }
        } catch (RuntimeException e) {
            for (int i = 0; i < done; i++) {
                members[i].detached();
            }
            throw new IllegalStateException(
                    "its member '" + names.get(done) + "': " + e.getMessage(), e);
        }
        reactor = owner;
        for (var member : members) {
            member.onReroute(this::memberRerouted);
        }
        evaluate();
    }

    /** What a member leads to has changed, though the link may be up all the while. */
    private void memberRerouted() {
        evaluateIfAttached();
        reroute.run();
    }

    @Override
    public void detached() {
        reactor = null;
        schedule(0);
        reroute = () -> {};
        cameUp = () -> {};
        for (var member : members) {
            member.detached();
        }
        state = PortState.DOWN;
    }

    @Override
    public void onReroute(Runnable listener) {
        reroute = listener;
    }

    @Override
    public void onUp(Runnable listener) {
        cameUp = listener;
    }

    @Override
    public int receive(FrameBatch batch) {
        for (int k = 0; k < members.length; k++) {
            // Each time another member is first, so that none starves.
            turn = turn + 1 < members.length ? turn + 1 : 0;
            var member = members[turn];
            lender = member;
            int count = member.receive(batch);
            if (count > 0) {
                if (policy.inspect(turn, batch)) {
                    follow(now());
                }
                if (policy.accepts(turn)) {
                    return count;
                }
                member.release(batch);
                batch.clear();
            }
        }
        lender = null;
        return 0;
    }

    @Override
    public int transmit(FrameBatch batch, int[] index, int count) {
        if (isSenderDown()) {
            evaluate();
        }
        int senders = policy.senderCount();
        if (senders == 0) {
            return 0;
        }
        int[] sender = policy.senders();
        if (senders == 1) {
            return members[sender[0]].transmit(batch, index, count);
        }
        for (int k = 0; k < count; k++) {
            int i = index[k];
            int to = sender[FlowHash.member(FlowHash.of(batch, i, hashPolicy), senders)];
            leaving[to][leavingCount[to]++] = i;
        }
        int sent = 0;
        for (int k = 0; k < senders; k++) {
            int to = sender[k];
            int frames = leavingCount[to];
            leavingCount[to] = 0;
            if (frames > 0) {
                sent += members[to].transmit(batch, leaving[to], frames);
            }
        }
        return sent;
    }

    private boolean isSenderDown() {
        int[] sender = policy.senders();
        for (int k = 0; k < policy.senderCount(); k++) {
            if (members[sender[k]].state() == PortState.DOWN) {
                return true;
            }
        }
        return false;
    }

    private void sendOwn(int member, OwnFrame frame) {
        frame.send(members[member], LacpPdu.LENGTH);
    }

    @Override
    public void release(FrameBatch batch) {
        var from = lender;
        if (from != null) {
            from.release(batch);
        }
    }

    @Override
    public void flush() {
        for (int i = 0; i < members.length; i++) {
            // Also what a memory fault left from a transmit that did not end.
            leavingCount[i] = 0;
            members[i].flush();
        }
    }

    @Override
    public boolean arm() {
        for (int i = 0; i < members.length; i++) {
            if (!members[i].arm()) {
                for (int k = 0; k < i; k++) {
                    members[k].disarm();
                }
                return false;
            }
        }
        return true;
    }

    @Override
    public void disarm() {
        for (var member : members) {
            member.disarm();
        }
    }

    @Override
    public Map<String, String> attributes() {
        var attributes = new LinkedHashMap<String, String>();
        for (int i = 0; i < members.length; i++) {
            attributes.put("member." + names.get(i), policy.describe(i));
        }
        var neighbors =
                uplinks.stream()
                        .map(Uplink::attributes)
                        .filter(member -> member.containsKey(NEIGHBOR))
                        .map(member -> member.get(NEIGHBOR))
                        .toList();
        if (!neighbors.isEmpty()) {
            attributes.put(NEIGHBOR, String.join(", ", neighbors));
        }
        return attributes;
    }

    @Override
    public List<Metric> metrics() {
        return List.of(
                Metric.gauge("members_used", "Members that frames leave by.", policy.senderCount()),
                Metric.counter(
                        "failovers_total",
                        "Times that the stations behind the bond moved to another place for the"
                                + " other side.",
                        moves));
    }

    @Override
    public String trouble() {
        for (var member : members) {
            if (member.state() == PortState.UP) {
                var trouble = policy.trouble();
                return trouble.isEmpty() && reactor == null
                        ? "No network has this uplink: name it in one."
                        : trouble;
            }
        }
        return "No member has a link: see 'vireo get uplinks'.";
    }

    @Override
    public void onChange(Runnable listener) {
        listeners.add(listener);
    }

    @Override
    public void forget(Runnable listener) {
        listeners.remove(listener);
    }

    @Override
    public void close() {
        for (var uplink : uplinks) {
            uplink.forget(linkListener);
        }
        if (policy instanceof LacpPolicy lacp) {
            lacp.close();
        }
    }
}
