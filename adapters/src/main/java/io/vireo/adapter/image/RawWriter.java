package io.vireo.adapter.image;

import io.vireo.block.DiskImageWriter;

/** Writes a sparse raw image. */
final class RawWriter implements DiskImageWriter {
    private static final int PIECE = 4096;

    private final ImageTarget target;

    RawWriter(ImageTarget target, long capacity) {
        this.target = target;
        target.file().resize(capacity);
    }

    @Override
    public void write(long offset, byte[] data, int length) {
        int from = 0;
        while (from < length) {
            while (from < length && isZero(data, from, piece(from, length))) {
                from += piece(from, length);
            }
            int to = from;
            while (to < length && !isZero(data, to, piece(to, length))) {
                to += piece(to, length);
            }
            if (to > from) {
                target.file().write(offset + from, data, from, to - from);
            }
            from = to;
        }
    }

    private static int piece(int from, int length) {
        return Math.min(PIECE, length - from);
    }

    /** Whether a range is all zeroes. */
    static boolean isZero(byte[] data, int from, int length) {
        int any = 0;
        for (int i = from; i < from + length; i++) {
            any |= data[i];
        }
        return any == 0;
    }

    @Override
    public void finish() {
        target.finish();
    }

    @Override
    public void close() {
        target.close();
    }
}
