package io.vireo.fabric.storage.format;

import io.vireo.fabric.storage.crypto.WrappedKey;
import io.vireo.memory.NativeMemory;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A volume or snapshot, in the catalog and in the journal.
 *
 * @param id its number, never used again
 * @param origin number of the volume that it was made from; 0: none
 * @param capacity bytes
 * @param root address of the map's root; 0: nothing is mapped
 * @param height levels of the map
 * @param logicalBlock bytes
 * @param physicalBlock bytes
 * @param readOnly whether it is a snapshot
 * @param dedicated whether room for all of it is reserved
 * @param created milliseconds since 1970
 * @param name unique in the pool
 * @param key its data key, wrapped; empty: it is not encrypted
 * @param checksums whether each block of 4 KiB has a checksum
 * @param sumsRoot address of the root of its checksums; 0: there are none
 * @param sumsHeight levels of the map of its checksums
 */
public record VolumeRecord(
        long id,
        long origin,
        long capacity,
        long root,
        int height,
        int logicalBlock,
        int physicalBlock,
        boolean readOnly,
        boolean dedicated,
        long created,
        String name,
        Optional<WrappedKey> key,
        boolean checksums,
        long sumsRoot,
        int sumsHeight) {
    /** Bytes of one. */
    public static final int BYTES = 256;

    /** Where in it the wrapped key is, {@link WrappedKey#BYTES} long. */
    static final int KEY = 192;

    private static final int SUMS_ROOT = 240;
    private static final int READ_ONLY = 1;
    private static final int DEDICATED = 2;
    private static final int CHECKSUMS = 4;
    private static final int ENCRYPTED = 16;
    private static final int KNOWN_FLAGS = READ_ONLY | DEDICATED | CHECKSUMS | ENCRYPTED;

    /** Writes it. */
    public void encode(long at) {
        NativeMemory.fill(at, BYTES, (byte) 0);
        NativeMemory.putLong(at, id);
        NativeMemory.putLong(at + 8, origin);
        NativeMemory.putLong(at + 16, capacity);
        NativeMemory.putLong(at + 24, root);
        NativeMemory.putInt(at + 32, height);
        NativeMemory.putInt(at + 36, logicalBlock);
        NativeMemory.putInt(at + 40, physicalBlock);
        NativeMemory.putInt(
                at + 44,
                (readOnly ? READ_ONLY : 0)
                        | (dedicated ? DEDICATED : 0)
                        | (checksums ? CHECKSUMS : 0)
                        | (key.isPresent() ? ENCRYPTED : 0));
        NativeMemory.putLong(at + 48, created);
        NativeMemory.putLong(at + SUMS_ROOT, sumsRoot);
        NativeMemory.putInt(at + SUMS_ROOT + 8, sumsHeight);
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        NativeMemory.putInt(at + 56, text.length);
        for (int i = 0; i < text.length; i++) {
            NativeMemory.putByte(at + 64 + i, text[i]);
        }
        key.ifPresent(wrapped -> wrapped.encode(at + KEY));
    }

    /**
     * Reads one.
     *
     * @throws FormatException if it says nonsense
     */
    public static VolumeRecord decode(long at) throws FormatException {
        int flags = NativeMemory.getInt(at + 44);
        if ((flags & ~KNOWN_FLAGS) != 0) {
            throw new FormatException(
                    "a volume was made by a newer version of Vireo (flags 0x%x)".formatted(flags));
        }
        return new VolumeRecord(
                NativeMemory.getLong(at),
                NativeMemory.getLong(at + 8),
                NativeMemory.getLong(at + 16),
                NativeMemory.getLong(at + 24),
                NativeMemory.getInt(at + 32),
                NativeMemory.getInt(at + 36),
                NativeMemory.getInt(at + 40),
                (flags & READ_ONLY) != 0,
                (flags & DEDICATED) != 0,
                NativeMemory.getLong(at + 48),
                name(at + 56),
                (flags & ENCRYPTED) != 0 ? Optional.of(key(at + KEY)) : Optional.empty(),
                (flags & CHECKSUMS) != 0,
                NativeMemory.getLong(at + SUMS_ROOT),
                NativeMemory.getInt(at + SUMS_ROOT + 8));
    }

    /**
     * Reads a wrapped key.
     *
     * @throws FormatException if it is of a kind that is not known
     */
    static WrappedKey key(long at) throws FormatException {
        if (!WrappedKey.isKnown(at)) {
            throw new FormatException("a volume's key is of a kind that is not known");
        }
        return WrappedKey.decode(at);
    }

    /**
     * Reads a name with its length in front.
     *
     * @throws FormatException if it is too long
     */
    public static String name(long at) throws FormatException {
        int length = NativeMemory.getInt(at);
        if (length < 0 || length > PoolFormat.MAX_NAME) {
            throw new FormatException("a volume's name has " + length + " bytes");
        }
        byte[] text = new byte[length];
        for (int i = 0; i < length; i++) {
            text[i] = NativeMemory.getByte(at + 8 + i);
        }
        return new String(text, StandardCharsets.UTF_8);
    }
}
