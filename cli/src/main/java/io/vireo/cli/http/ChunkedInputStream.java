package io.vireo.cli.http;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** A body in chunks, RFC 9112 section 7.1; extensions and trailers are skipped. */
final class ChunkedInputStream extends BodyInputStream {
    private final InputStream in;
    private long left;
    private boolean ended;
    private boolean first = true;

    ChunkedInputStream(InputStream in) {
        this.in = in;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (left == 0 && !ended) {
            nextChunk();
        }
        if (ended) {
            return -1;
        }
        int count = in.read(target, offset, (int) Math.min(length, left));
        if (count < 0) {
            throw new EOFException("the answer ended in the middle of a chunk");
        }
        left -= count;
        return count;
    }

    /** Bytes of this chunk that are here already. */
    @Override
    public int available() throws IOException {
        return (int) Math.min(left, in.available());
    }

    private void nextChunk() throws IOException {
        if (!first) {
            HttpClient.line(in);
        }
        first = false;
        String size = HttpClient.line(in).split(";", 2)[0].strip();
        if (!size.matches("[0-9a-fA-F]{1,15}")) {
            throw new IOException("the answer has a malformed chunk");
        }
        left = Long.parseLong(size, 16);
        if (left == 0) {
            ended = true;
            while (!HttpClient.line(in).isEmpty()) {
                // Trailers carry nothing that is used here.
                continue;
            }
        }
    }
}
