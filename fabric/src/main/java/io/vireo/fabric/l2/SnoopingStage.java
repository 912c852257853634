package io.vireo.fabric.l2;

/** Where {@link Snooping} looks at the frames that come in by a port, after all policies. */
record SnoopingStage(Snooping snooping, BridgePort port) implements PortStage {
    @Override
    public Place place() {
        return Place.LAST_LOOK;
    }

    @Override
    public int apply(Pass pass, int[] index, int count) {
        for (int k = 0; k < count; k++) {
            int i = index[k];
            pass.report[i] = pass.isMulticast(i) && snooping.isReport(pass, i, port.slot);
        }
        return count;
    }
}
