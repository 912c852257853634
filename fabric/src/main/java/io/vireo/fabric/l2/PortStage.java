package io.vireo.fabric.l2;

/**
 * Something that is done at a port with the frames that come in by it, or with those that are about
 * to leave by it: it drops some and counts them, or only looks. A port without stages does not pay
 * for those of others.
 *
 * <p>Stages that frames come in by run after the VLAN is known and before anything is learnt;
 * stages that frames leave by run when it is known what happens to their tags ({@link
 * io.vireo.net.FrameBatch#vlanAction}), before it happens. Runs on the bridge's reactor; nothing is
 * allocated.
 */
interface PortStage {
    /** No stages. */
    PortStage[] NONE = {};

    /** The order of the stages of a port in one direction. */
    enum Place {
        /** Sees what is there before anything else was done about it. */
        FIRST_LOOK,
        /** Lets nothing pass. */
        SHUT,
        /** Checks that the addresses are those of the port. */
        GUARD,
        /** Permits or denies by rules. */
        FILTER,
        /** Keeps to a rate. */
        RATE,
        /** Marks what is left. */
        MARK,
        /** Sees what is left. */
        LAST_LOOK
    }

    Place place();

    /**
     * Works on the frames {@code index[0..count)} of a pass.
     *
     * <p>May be interrupted by a fault of foreign memory where it reads beyond the snapshots; it is
     * then called with the next pass as if nothing had happened.
     *
     * @return how many are left: these are the first ones of {@code index}, in the order that they
     *     had
     */
    int apply(Pass pass, int[] index, int count);

    /** The stage is taken out of its port. */
    default void close() {}
}
