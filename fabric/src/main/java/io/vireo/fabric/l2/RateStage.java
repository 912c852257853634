package io.vireo.fabric.l2;

import io.vireo.fabric.l2.qos.Colour;
import io.vireo.fabric.l2.qos.Meter;
import io.vireo.fabric.l2.qos.WireSize;
import io.vireo.net.DropReason;
import io.vireo.net.QosSettings.Rates;

/** Drops what goes beyond the peak rate of a port, in one direction. */
final class RateStage implements PortStage {
    private final BridgePort port;
    private final Meter meter;
    private final boolean receive;
    private final int colours;
    private final long[] bytes = new long[Colour.values().length];

    /**
     * A stage of a port.
     *
     * @param receive whether of the frames that leave by the port, which its server receives
     */
    RateStage(BridgePort port, boolean receive, Rates rates, long now) {
        this.port = port;
        this.receive = receive;
        colours = receive ? BridgePort.RECEIVE_COLOURS : BridgePort.TRANSMIT_COLOURS;
        meter = new Meter(rates, now);
    }

    void change(Rates rates, long now) {
        meter.change(rates, now);
    }

    @Override
    public Place place() {
        return Place.RATE;
    }

    @Override
    public int apply(Pass pass, int[] index, int count) {
        meter.refill(pass.nanos);
        int left = 0;
        for (int k = 0; k < count; k++) {
            int i = index[k];
            long size = WireSize.bytes(pass.batch, i, WireSize.packets(pass.batch, i));
            var colour = meter.colour(size);
            bytes[colour.ordinal()] += size;
            if (colour != Colour.RED) {
                index[left++] = i;
            }
        }
        for (int i = 0; i < bytes.length; i++) {
            port.count(colours + i, bytes[i]);
            bytes[i] = 0;
        }
        if (left < count) {
            drop(count - left);
        }
        return left;
    }

    private void drop(int frames) {
        if (receive) {
            port.dropTransmitted(DropReason.RATE, frames);
        } else {
            port.dropReceived(DropReason.RATE, frames);
        }
    }
}
