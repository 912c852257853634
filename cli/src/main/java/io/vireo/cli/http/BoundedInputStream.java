package io.vireo.cli.http;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** A body of a known length; ending early is an error. */
final class BoundedInputStream extends BodyInputStream {
    private final InputStream in;
    private long left;

    BoundedInputStream(InputStream in, long length) {
        this.in = in;
        this.left = length;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (left == 0) {
            return -1;
        }
        int count = in.read(target, offset, (int) Math.min(length, left));
        if (count < 0) {
            throw new EOFException("the answer ended " + left + " bytes early");
        }
        left -= count;
        return count;
    }
}
