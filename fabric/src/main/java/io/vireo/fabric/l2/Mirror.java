package io.vireo.fabric.l2;

import io.vireo.memory.NativeMemory;
import io.vireo.net.DropReason;
import io.vireo.net.FrameBatch;
import io.vireo.net.PortState;
import io.vireo.resource.spec.MirrorDestinationSpec;
import io.vireo.resource.spec.MirrorSourceSpec;
import io.vireo.resource.spec.MirrorSpec;
import io.vireo.resource.spec.MirrorSpec.Direction;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Copies the frames of some ports of a bridge to another one, as they are seen at their port. Ports
 * are known by their names: those that come are joined, those that go are left. Only the bridge's
 * reactor touches it, except {@link #copies}, {@link #bytes}, {@link #lost} and {@link #state}.
 */
final class Mirror {
    /** Why a frame was not copied. */
    enum Loss {
        /** The destination is not in the network. */
        NO_DESTINATION,
        /** The destination is down. */
        DOWN,
        /** More than the rate limit. */
        RATE,
        /** Longer than the destination takes. */
        TOO_LONG,
        /** The destination had no room. */
        NO_BUFFER,
        /**
         * To 01-80-C2-00-00-0x, and the destination is the uplink, whose neighbor would take it for
         * ours: a guest would speak LLDP or LACP in our name.
         */
        RESERVED;

        /** Its name in metrics and documentation. */
        String text() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * Which ports are there.
     *
     * @param destination whether the destination is
     * @param sources how many of the sources are
     */
    record State(boolean destination, int sources) {}

    private static final int INNER_TAG = 4;
    private static final int FRAMES = 0;
    private static final int BYTES = 1;
    private static final int LOSSES = 2;

    // Opaque: whole values, soon, at the price of a plain store.
    private static final VarHandle COUNTER = MethodHandles.arrayElementVarHandle(long[].class);

    private final Runnable onChange;
    private final long[] counters = new long[LOSSES + Loss.values().length];
    private final int[] chosen = new int[FrameBatch.CAPACITY];
    private final Shortener shortener = new Shortener();

    private MirrorSpec spec;
    private int snapLength;
    private @Nullable FrameRate rate;
    private @Nullable BridgePort destination;
    private volatile State state = new State(false, 0);

    /**
     * @param onChange run when {@link #state} has become another one
     */
    Mirror(MirrorSpec spec, Runnable onChange) {
        this.onChange = onChange;
        this.spec = spec;
        change(spec);
    }

    void change(MirrorSpec newSpec) {
        spec = newSpec;
        snapLength = newSpec.snapLength().orElse(Integer.MAX_VALUE);
        rate =
                newSpec.rateLimit().isPresent()
                        ? new FrameRate(newSpec.rateLimit().getAsInt(), newSpec.burst())
                        : null;
    }

    /**
     * Looks for its ports among those that there are, and puts its stages there. Those of an
     * earlier call are gone.
     */
    void join(BridgePort[] ports, MacTable table, Classifier classifier) {
        destination = null;
        int sources = 0;
        for (var port : ports) {
            if (isDestination(port, spec.destination())) {
                destination = port;
                if (!spec.destination().shared()) {
                    port.reserveForMirror();
                    table.forget(port.slot);
                }
            }
            for (var source : spec.sources()) {
                if (isSource(port, source)) {
                    look(port, source.direction(), classifier);
                    sources++;
                }
            }
        }
        var now = new State(destination != null, sources);
        if (!now.equals(state)) {
            state = now;
            onChange.run();
        }
    }

    private static boolean isDestination(BridgePort port, MirrorDestinationSpec wanted) {
        return is(port, wanted.vnic(), wanted.uplink());
    }

    private static boolean isSource(BridgePort port, MirrorSourceSpec wanted) {
        return is(port, wanted.vnic(), wanted.uplink());
    }

    private static boolean is(BridgePort port, Optional<String> vnic, Optional<String> uplink) {
        var wanted = port.isUplink() ? uplink : vnic;
        return wanted.filter(port.port.name()::equals).isPresent();
    }

    private void look(BridgePort port, Direction direction, Classifier classifier) {
        if (direction != Direction.EGRESS) {
            var stage = new MirrorStage(this, PortStage.Place.FIRST_LOOK, classifier);
            port.ingress = BridgePort.with(port.ingress, stage);
        }
        if (direction != Direction.INGRESS) {
            var stage = new MirrorStage(this, PortStage.Place.LAST_LOOK, classifier);
            port.egress = BridgePort.with(port.egress, stage);
        }
    }

    /** Copies frames of a pass, in the form that their VLAN action gives them. */
    void copy(Pass pass, int[] index, int count, Classifier classifier) {
        var to = destination;
        if (to == null) {
            lose(Loss.NO_DESTINATION, count);
            return;
        }
        if (to.port.state() == PortState.DOWN) {
            lose(Loss.DOWN, count);
            to.dropTransmitted(DropReason.DOWN, count);
            return;
        }
        int frames = choose(to, pass, index, count, classifier);
        if (frames > 0) {
            send(to, pass, frames);
        }
    }

    private int choose(BridgePort to, Pass pass, int[] index, int count, Classifier classifier) {
        int frames = 0;
        for (int k = 0; k < count; k++) {
            int i = index[k];
            if (to.isUplink() && Relay.isReserved(NativeMemory.getLong(pass.batch.header(i)))) {
                lose(Loss.RESERVED, 1);
            } else if (isTooLong(to, pass, i, classifier)) {
                lose(Loss.TOO_LONG, 1);
                to.dropTransmitted(DropReason.TOO_LONG, 1);
            } else if (rate != null && !rate.take(pass.nanos)) {
                lose(Loss.RATE, 1);
            } else {
                chosen[frames++] = i;
            }
        }
        return frames;
    }

    private boolean isTooLong(BridgePort to, Pass pass, int i, Classifier classifier) {
        if (pass.batch.length[i] + pass.batch.vlanDelta(i) > snapLength) {
            // What is left is one frame, whatever was to be cut.
            return snapLength - Classifier.HEADER > to.maxPayload + INNER_TAG;
        }
        return classifier.isTooLongFor(to, i);
    }

    private void send(BridgePort to, Pass pass, int frames) {
        var batch = pass.batch;
        if (snapLength != Integer.MAX_VALUE) {
            shortener.shorten(batch, chosen, frames, snapLength);
        }
        BridgePort.run(to.copies, pass, chosen, frames);
        batch.sentBytes = 0;
        int sent = to.port.transmit(batch, chosen, frames);
        to.port.flush();
        if (snapLength != Integer.MAX_VALUE) {
            shortener.restore(batch, chosen, frames);
        }
        count(FRAMES, sent);
        count(BYTES, batch.sentBytes);
        to.count(BridgePort.TRANSMITTED_FRAMES, sent);
        to.count(BridgePort.TRANSMITTED_BYTES, batch.sentBytes);
        if (sent < frames) {
            lose(Loss.NO_BUFFER, frames - sent);
            to.dropTransmitted(DropReason.NO_BUFFER, frames - sent);
        }
    }

    private void lose(Loss reason, int frames) {
        count(LOSSES + reason.ordinal(), frames);
    }

    private void count(int counter, long more) {
        COUNTER.setOpaque(counters, counter, counters[counter] + more);
    }

    private long read(int counter) {
        return (long) COUNTER.getOpaque(counters, counter);
    }

    /** Frames that were copied; from any thread. */
    long copies() {
        return read(FRAMES);
    }

    /** Bytes of these; from any thread. */
    long bytes() {
        return read(BYTES);
    }

    /** Frames that were not copied; from any thread. */
    long lost(Loss reason) {
        return read(LOSSES + reason.ordinal());
    }

    /** Which ports are there; from any thread. */
    State state() {
        return state;
    }
}
