package io.vireo.block;

import java.util.List;

/** An image file that is open for reading. */
public interface DiskImageReader extends AutoCloseable {
    /** Where the file is, for messages. */
    String name();

    /** Bytes of the disk. */
    long capacity();

    /** What a user should know of what is not read, each a sentence. */
    List<String> notes();

    /**
     * The first byte at or after {@code offset} that may not be zero; the capacity if there is
     * none.
     */
    long nextData(long offset);

    /**
     * Reads.
     *
     * @param offset of the first byte; the range is on the disk
     * @param length bytes into {@code into}, from its beginning
     */
    void read(long offset, byte[] into, int length);

    @Override
    void close();
}
