package io.vireo.cli;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Passes a pcapng file on block by block, so that it ends between two of them however it ends, and
 * counts what is in it (draft-ietf-opsawg-pcapng; the daemon writes little-endian numbers).
 */
final class CaptureFile {
    private static final int BLOCK_HEADER = 8;
    private static final int BLOCK_MIN = 12;
    private static final int BLOCK_MAX = 1 << 20;
    private static final int ENHANCED_PACKET = 6;
    private static final int INTERFACE_STATISTICS = 5;
    private static final int STATISTICS_OPTIONS = 20;
    private static final int ISB_IFDROP = 5;

    private final DataInputStream in;
    private final OutputStream out;
    private long frames;
    private long lost;

    CaptureFile(InputStream in, OutputStream out) {
        this.in = new DataInputStream(in);
        this.out = out;
    }

    /** Frames that were passed on. */
    long frames() {
        return frames;
    }

    /** Frames that the daemon had no room for. */
    long lost() {
        return lost;
    }

    /**
     * Passes one block on.
     *
     * @return false at the end of the file
     * @throws WriteException if nobody takes it
     * @throws IOException if the file breaks off
     */
    boolean next() throws IOException {
        var block = read();
        if (block.length == 0) {
            return false;
        }
        try {
            out.write(block);
            if (in.available() == 0) {
                out.flush();
            }
        } catch (IOException e) {
            throw new WriteException(e);
        }
        count(ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN));
        return true;
    }

    private byte[] read() throws IOException {
        var header = new byte[BLOCK_HEADER];
        int have = in.readNBytes(header, 0, BLOCK_HEADER);
        if (have == 0) {
            return new byte[0];
        }
        int length = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).getInt(Integer.BYTES);
        if (have < BLOCK_HEADER || length < BLOCK_MIN || length > BLOCK_MAX) {
            throw new EOFException("what came is no block of a pcapng file");
        }
        var block = new byte[length];
        System.arraycopy(header, 0, block, 0, BLOCK_HEADER);
        in.readFully(block, BLOCK_HEADER, length - BLOCK_HEADER);
        return block;
    }

    private void count(ByteBuffer block) {
        int type = block.getInt(0);
        if (type == ENHANCED_PACKET) {
            frames++;
        } else if (type == INTERFACE_STATISTICS) {
            int at = STATISTICS_OPTIONS;
            while (at + Integer.BYTES + Long.BYTES <= block.capacity()) {
                int length = Short.toUnsignedInt(block.getShort(at + 2));
                if (block.getShort(at) == ISB_IFDROP && length == Long.BYTES) {
                    lost = block.getLong(at + Integer.BYTES);
                }
                at += Integer.BYTES + (length + 3 & -4);
            }
        }
    }

    /** Nobody takes the file any more. */
    static final class WriteException extends IOException {
        private static final long serialVersionUID = 1L;

        WriteException(IOException cause) {
            super(cause);
        }
    }
}
