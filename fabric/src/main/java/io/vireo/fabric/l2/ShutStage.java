package io.vireo.fabric.l2;

import io.vireo.net.DropReason;

/** Lets nothing in by a port that is there for the copies of a mirror only. */
record ShutStage(BridgePort port) implements PortStage {
    @Override
    public Place place() {
        return Place.SHUT;
    }

    @Override
    public int apply(Pass pass, int[] index, int count) {
        port.dropReceived(DropReason.MIRROR_DESTINATION, count);
        return 0;
    }
}
