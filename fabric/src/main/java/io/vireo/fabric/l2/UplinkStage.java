package io.vireo.fabric.l2;

import io.vireo.fabric.l2.qos.WireSize;

/** Tells the scheduler of an uplink who sends how much by it; drops nothing. */
final class UplinkStage implements PortStage {
    @Override
    public Place place() {
        return Place.RATE;
    }

    @Override
    public int apply(Pass pass, int[] index, int count) {
        var from = pass.source;
        var qos = from == null ? null : from.qos;
        if (from == null || qos == null || !qos.sharesUplink()) {
            return count;
        }
        long bytes = 0;
        int packets = 0;
        for (int k = 0; k < count; k++) {
            int i = index[k];
            int each = WireSize.packets(pass.batch, i);
            packets += each;
            bytes += WireSize.bytes(pass.batch, i, each);
        }
        qos.charge(bytes, packets, count);
        from.count(BridgePort.UPLINK_BYTES, bytes);
        return count;
    }
}
