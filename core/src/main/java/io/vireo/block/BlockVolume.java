package io.vireo.block;

/** An open volume of a {@link BlockPool}. Control plane: one thread at a time. */
public interface BlockVolume {
    /** The device that front ends use. */
    BlockDevice device();

    /**
     * Grows to {@code capacity} bytes, durably, and then tells the device's geometry listeners. A
     * smaller one is refused.
     *
     * @throws io.vireo.resource.ResourceException if the host refuses
     */
    void grow(long capacity);

    /** Empty while it is sound; else one sentence on what is wrong and what to do. */
    String trouble();

    /** Closes it; all channels are closed already. */
    void close();
}
