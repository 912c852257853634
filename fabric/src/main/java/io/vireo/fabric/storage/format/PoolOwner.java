package io.vireo.fabric.storage.format;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.UUID;

/**
 * Who has a pool open, as its superblocks say it.
 *
 * @param id drawn at random, the same as long as the locks of the host tell whether an owner before
 *     it is still there; zero: nobody has the pool open, or nobody knows who
 * @param host name of the host, for people; cut off at {@value #NAME_BYTES} bytes of UTF-8 on disk
 */
public record PoolOwner(UUID id, String host) {
    /** The pool was closed, or is had by a Vireo that does not say who it is. */
    public static final PoolOwner NOBODY = new PoolOwner(new UUID(0, 0), "");

    /** Bytes that it takes on disk. */
    static final int BYTES = 84;

    private static final int NAME_BYTES = 64;

    /** Whether it is somebody. */
    public boolean isSomebody() {
        return !id.equals(NOBODY.id);
    }

    /** As people read it. */
    @Override
    public String toString() {
        return host.isEmpty() ? "another host" : "host " + host;
    }

    /** Whether it is the one that {@link #encode} has put at {@code address}. */
    boolean isAt(long address) {
        return NativeMemory.getLong(address) == id.getMostSignificantBits()
                && NativeMemory.getLong(address + 8) == id.getLeastSignificantBits();
    }

    /** Puts it into memory that holds zeroes. */
    void encode(OwnMemory memory, int offset) {
        long at = memory.address() + offset;
        byte[] name = host.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(name.length, NAME_BYTES);
        // Not in the middle of a character.
        while (length < name.length && length > 0 && (name[length] & 0xC0) == 0x80) {
            length--;
        }
        NativeMemory.putLong(at, id.getMostSignificantBits());
        NativeMemory.putLong(at + 8, id.getLeastSignificantBits());
        NativeMemory.putInt(at + 16, length);
        memory.put(offset + 20, Arrays.copyOf(name, length));
    }

    static PoolOwner decode(OwnMemory memory, int offset) {
        long at = memory.address() + offset;
        var id = new UUID(NativeMemory.getLong(at), NativeMemory.getLong(at + 8));
        int length = Math.clamp(NativeMemory.getInt(at + 16), 0, NAME_BYTES);
        String name = new String(memory.bytes(offset + 20, length), StandardCharsets.UTF_8);
        // Whoever had the disk may have written anything there, and people see it.
        return new PoolOwner(id, name.replaceAll("\\p{C}", "?"));
    }
}
