package io.vireo.device.scsi;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Parameter data while it is built; grows. Big-endian. */
final class Reply {
    private byte[] bytes;
    private int length;

    Reply() {
        this(256);
    }

    Reply(int capacity) {
        bytes = new byte[capacity];
    }

    int length() {
        return length;
    }

    byte[] bytes() {
        return bytes;
    }

    private int grow(int count) {
        int at = length;
        length += count;
        if (length > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(length, bytes.length * 2));
        }
        return at;
    }

    Reply u8(int value) {
        int at = grow(1);
        bytes[at] = (byte) value;
        return this;
    }

    Reply u16(int value) {
        int at = grow(2);
        Bytes.put16(bytes, at, value);
        return this;
    }

    Reply u24(int value) {
        int at = grow(3);
        Bytes.put24(bytes, at, value);
        return this;
    }

    Reply u32(long value) {
        int at = grow(4);
        Bytes.put32(bytes, at, value);
        return this;
    }

    Reply u64(long value) {
        int at = grow(8);
        Bytes.put64(bytes, at, value);
        return this;
    }

    Reply bytes(byte[] source) {
        int at = grow(source.length);
        System.arraycopy(source, 0, bytes, at, source.length);
        return this;
    }

    Reply zeroes(int count) {
        grow(count);
        return this;
    }

    /** Printable ASCII, left-aligned and filled up with spaces, or cut off (SPC-4, 4.3.1). */
    Reply text(String text, int width) {
        byte[] field = new byte[width];
        Arrays.fill(field, (byte) ' ');
        byte[] encoded = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(encoded, 0, field, 0, Math.min(encoded.length, width));
        return bytes(field);
    }

    /** Overwrites two bytes. */
    void patch16(int offset, int value) {
        Bytes.put16(bytes, offset, value);
    }

    /** Overwrites four bytes. */
    void patch32(int offset, long value) {
        Bytes.put32(bytes, offset, value);
    }

    /** Overwrites a byte. */
    void patch8(int offset, int value) {
        bytes[offset] = (byte) value;
    }
}
