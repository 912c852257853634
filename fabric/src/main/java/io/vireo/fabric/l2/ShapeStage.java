package io.vireo.fabric.l2;

import io.vireo.fabric.l2.qos.Colour;
import io.vireo.fabric.l2.qos.Shaper;
import io.vireo.fabric.l2.qos.WireSize;
import io.vireo.net.QosSettings.Rates;

/** Tells a shaper what was taken from its port; drops nothing. */
final class ShapeStage implements PortStage {
    private final BridgePort port;
    private final Shaper shaper;

    ShapeStage(BridgePort port, Rates rates, long now) {
        this.port = port;
        shaper = new Shaper(rates, now);
    }

    Shaper shaper() {
        return shaper;
    }

    @Override
    public Place place() {
        return Place.RATE;
    }

    @Override
    public int apply(Pass pass, int[] index, int count) {
        shaper.begin(pass.nanos);
        long green = 0;
        long yellow = 0;
        for (int k = 0; k < count; k++) {
            int i = index[k];
            long size = WireSize.bytes(pass.batch, i, WireSize.packets(pass.batch, i));
            if (shaper.charge(size) == Colour.GREEN) {
                green += size;
            } else {
                yellow += size;
            }
        }
        port.count(BridgePort.TRANSMIT_COLOURS + Colour.GREEN.ordinal(), green);
        port.count(BridgePort.TRANSMIT_COLOURS + Colour.YELLOW.ordinal(), yellow);
        return count;
    }
}
