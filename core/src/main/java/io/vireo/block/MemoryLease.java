package io.vireo.block;

/**
 * Memory of a request that may be kept from being used again after the request has ended. A device
 * that ends a request although something below still has it retains the memory first.
 */
public interface MemoryLease {
    /** The memory is to be left alone, whatever becomes of the request. */
    void retain();

    /** Takes one {@link #retain} back. */
    void release();
}
