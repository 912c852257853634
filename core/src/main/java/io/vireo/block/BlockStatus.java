package io.vireo.block;

/**
 * How a {@link BlockRequest} ended. Each front end maps these to its own wire format in one
 * exhaustive switch.
 */
public enum BlockStatus {
    /** Done. */
    OK,
    /** The medium or the host failed. */
    IO_ERROR,
    /** The device does not do this operation. */
    UNSUPPORTED,
    /** The range is not within the device, or not a multiple of its block size. */
    INVALID,
    /** The device cannot be written to. */
    READ_ONLY,
    /** There is no room left to allocate. */
    NO_SPACE,
    /**
     * The memory that the client named could not be read or written: the client's fault, not the
     * medium's.
     */
    MEMORY_FAULT,
    /** Cancelled before it was carried out. */
    CANCELLED
}
