package io.vireo.block;

/** An image file that is being made. */
public interface DiskImageWriter extends AutoCloseable {
    /** What offsets are multiples of. */
    int ALIGNMENT = 64 << 10;

    /**
     * Writes a piece, from the lower ones to the higher. What is left out, or is zero, takes no
     * room.
     *
     * @param offset a multiple of {@link #ALIGNMENT}
     * @param length bytes of {@code data}; a multiple of {@link #ALIGNMENT}, or up to the capacity
     */
    void write(long offset, byte[] data, int length);

    /** Makes it durable and gives it its name. */
    void finish();

    /** Removes what was written, unless it was finished. */
    @Override
    void close();
}
