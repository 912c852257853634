package io.vireo.cli.http;

import java.io.IOException;
import java.io.InputStream;

/** The body of an answer, which is read by the buffer. */
abstract sealed class BodyInputStream extends InputStream
        permits BoundedInputStream, ChunkedInputStream {
    @Override
    public abstract int read(byte[] target, int offset, int length) throws IOException;

    @Override
    public final int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }
}
