package io.vireo.fabric.storage.qos;

/**
 * One at a time: whether all pools that it is about have room, and putting it into force there. A
 * policy spans pools, so that none of their own monitors would keep others out in between.
 */
final class Admission {
    /** Its monitor is taken before those of users of a vDisk and of pools. */
    static final Object ONE = new Object();

    private Admission() {}
}
