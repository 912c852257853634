package io.vireo.fabric.l2.lldp;

import io.vireo.fabric.l2.packet.OwnFrame;
import io.vireo.net.FrameBatch;
import io.vireo.net.HostIdentity;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.net.Uplink;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metric;
import io.vireo.resource.spec.LldpSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * An uplink that speaks LLDP: it sends and looks at what arrives, and is the other one in all else.
 * It does so while a network, or a bond of one, has the port. Frames of LLDP go on to the network
 * as well, which drops and counts them as it does all that is meant for the bridge itself.
 */
public final class LldpUplink implements NetPort, Uplink {
    private static final int FRAME_MAX = 9216 + 18;

    private final Uplink uplink;
    private final NetPort port;
    private final LldpAgent agent;
    private final OwnFrame own = new OwnFrame();
    private final byte[] arrived = new byte[FRAME_MAX];
    private final Runnable linkListener = this::linkChanged;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

    private volatile LldpSpec spec;
    private volatile @Nullable Reactor reactor;

    // On the reactor only.
    private boolean receives;
    private @Nullable Timer timer;

    /**
     * Takes an uplink.
     *
     * @param uplink closed by {@link #close}
     * @param name of the resource
     * @param interfaceName what neighbors are told as the port's name
     * @param address that frames come from if the uplink has none
     */
    public LldpUplink(
            Uplink uplink,
            LldpSpec spec,
            HostIdentity host,
            String name,
            String interfaceName,
            MacAddress address) {
        this.uplink = uplink;
        this.spec = spec;
        port = uplink.port();
        receives = spec.mode().receives();
        var local =
                new LocalSystem(
                        host,
                        uplink.address().orElse(address),
                        interfaceName,
                        "Vireo uplink " + name,
                        port.mtu(),
                        Optional.empty());
        agent = new LldpAgent(spec, local, this::send);
        uplink.onChange(linkListener);
    }

    /** Goes on in another way, soon; any thread. */
    public void change(LldpSpec newSpec) {
        spec = newSpec;
        var owner = reactor;
        if (owner == null) {
            // Whoever attaches the port does so after this, by the mailbox of a reactor.
            apply(newSpec);
        } else {
            owner.execute(() -> {
                apply(newSpec);
                evaluateIfAttached();
            });
        }
    }

    private void apply(LldpSpec newSpec) {
        receives = newSpec.mode().receives();
        agent.change(newSpec, System.nanoTime());
    }

    private void linkChanged() {
        var owner = reactor;
        if (owner != null) {
            owner.execute(this::evaluateIfAttached);
        }
    }

    private void evaluateIfAttached() {
        var owner = reactor;
        if (owner == null) {
            return;
        }
        var before = agent.neighbors();
        long wait = agent.evaluate(port.state() == PortState.UP, System.nanoTime());
        schedule(owner, wait);
        if (agent.neighbors() != before) {
            listeners.forEach(Runnable::run);
        }
    }

    private void schedule(Reactor owner, long wait) {
        cancel();
        if (wait != Long.MAX_VALUE) {
            timer = owner.schedule(wait, this::evaluateIfAttached);
        }
    }

    private void cancel() {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
    }

    private boolean send(byte[] frame) {
        own.set(frame);
        return own.send(port, frame.length);
    }

    @Override
    public int receive(FrameBatch batch) {
        int count = port.receive(batch);
        if (receives) {
            for (int i = 0; i < count; i++) {
                if (LldpFrame.isLldp(batch.header(i))) {
                    take(batch, i);
                }
            }
        }
        return count;
    }

    private void take(FrameBatch batch, int i) {
        int length = Math.min(batch.length[i], FRAME_MAX);
        batch.copyOut(i, arrived, 0, length);
        boolean changed = agent.received(arrived, length, System.nanoTime());
        var owner = reactor;
        if (changed && owner != null) {
            // Answers are sent later: the port is in the middle of receiving.
            schedule(owner, 0);
            listeners.forEach(Runnable::run);
        }
    }

    @Override
    public void attached(Reactor owner, Runnable ready) {
        port.attached(owner, ready);
        reactor = owner;
        schedule(owner, 0);
    }

    @Override
    public void detached() {
        cancel();
        agent.shutdown(System.nanoTime());
        agent.forget();
        port.detached();
        // Last: from now on others may change the agent.
        reactor = null;
    }

    @Override
    public void onReroute(Runnable listener) {
        port.onReroute(listener);
    }

    @Override
    public void onUp(Runnable listener) {
        port.onUp(listener);
    }

    @Override
    public int transmit(FrameBatch batch, int[] index, int count) {
        return port.transmit(batch, index, count);
    }

    @Override
    public void release(FrameBatch batch) {
        port.release(batch);
    }

    @Override
    public void publish() {
        port.publish();
    }

    @Override
    public void flush() {
        port.flush();
    }

    @Override
    public boolean arm() {
        return port.arm();
    }

    @Override
    public void disarm() {
        port.disarm();
    }

    @Override
    public String name() {
        return port.name();
    }

    @Override
    public PortState state() {
        return port.state();
    }

    @Override
    public int mtu() {
        return port.mtu();
    }

    @Override
    public NetPort port() {
        return this;
    }

    @Override
    public Optional<MacAddress> address() {
        return uplink.address();
    }

    @Override
    public Map<String, String> attributes() {
        var attributes = new LinkedHashMap<String, String>(uplink.attributes());
        var neighbors = agent.neighbors();
        attributes.put("lldp", spec.mode().name().toLowerCase(Locale.ROOT));
        if (!neighbors.isEmpty()) {
            var first = neighbors.getFirst().summary();
            int more = neighbors.size() - 1;
            attributes.put(NEIGHBOR, more == 0 ? first : first + " (+" + more + ")");
        }
        for (int i = 0; i < neighbors.size(); i++) {
            neighbors.get(i).describe(NEIGHBOR + "." + (i + 1) + ".", attributes);
        }
        return attributes;
    }

    @Override
    public List<Metric> metrics() {
        var metrics = new ArrayList<>(uplink.metrics());
        metrics.addAll(agent.statistics().metrics(agent.neighbors().size()));
        return metrics;
    }

    @Override
    public boolean isPresent() {
        return uplink.isPresent();
    }

    @Override
    public String trouble() {
        return uplink.trouble();
    }

    @Override
    public void onChange(Runnable listener) {
        uplink.onChange(listener);
        listeners.add(listener);
    }

    @Override
    public void forget(Runnable listener) {
        uplink.forget(listener);
        listeners.remove(listener);
    }

    @Override
    public void close() {
        uplink.forget(linkListener);
        uplink.close();
        own.close();
    }
}
