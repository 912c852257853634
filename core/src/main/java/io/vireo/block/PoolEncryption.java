package io.vireo.block;

/** Which new volumes of a pool are encrypted. */
public enum PoolEncryption {
    /** None can be. */
    NONE,
    /** Those that ask for it. */
    ON_REQUEST,
    /** All that do not ask for the opposite. */
    BY_DEFAULT
}
