package io.vireo.fabric.l2.capture;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes a file of the form pcapng (draft-ietf-opsawg-pcapng) about one Ethernet interface, with
 * times in nanoseconds. Blocks are written whole; {@link #flush} shows them to the reader.
 */
public final class PcapngWriter {
    /** Bits of {@code epb_flags}: the station got the frame. */
    public static final int INBOUND = 1;

    /** Bits of {@code epb_flags}: the station sent the frame. */
    public static final int OUTBOUND = 2;

    // Section 4: types of blocks.
    private static final int SECTION_HEADER = 0x0A0D0D0A;
    private static final int INTERFACE_DESCRIPTION = 1;
    private static final int INTERFACE_STATISTICS = 5;
    private static final int ENHANCED_PACKET = 6;

    private static final int BYTE_ORDER = 0x1A2B3C4D;
    private static final short MAJOR = 1;
    private static final long UNKNOWN_LENGTH = -1;
    private static final short LINKTYPE_ETHERNET = 1;

    // Options of the blocks.
    private static final int END = 0;
    private static final int SHB_USERAPPL = 4;
    private static final int IF_NAME = 2;
    private static final int IF_DESCRIPTION = 3;
    private static final int IF_TSRESOL = 9;
    private static final int IF_FILTER = 11;
    private static final byte NANOSECONDS = 9;
    private static final byte FILTER_TEXT = 0;
    private static final int EPB_FLAGS = 2;
    private static final int ISB_STARTTIME = 2;
    private static final int ISB_ENDTIME = 3;
    private static final int ISB_IFRECV = 4;
    private static final int ISB_IFDROP = 5;
    private static final int ISB_FILTERACCEPT = 6;

    private static final int INTERFACE = 0;
    private static final int WORD = 4;
    private static final int PACKET_OVERHEAD = 128;

    private final OutputStream out;
    private ByteBuffer block = buffer(4096);

    /**
     * What a capture was made with.
     *
     * @param name of the interface
     * @param description of the interface
     * @param snapLength bytes of a frame that are kept
     * @param filter that chose the frames; empty: none
     */
    public record Interface(String name, String description, int snapLength, String filter) {}

    /**
     * What a capture has seen so far.
     *
     * @param received frames that came to it
     * @param accepted of these, those that the filter took
     * @param dropped of these, those that it had no room for
     */
    public record Statistics(long received, long accepted, long dropped) {}

    public PcapngWriter(OutputStream out) {
        this.out = out;
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Begins the file (sections 4.1 and 4.2). */
    public void begin(String application, Interface about) throws IOException {
        open(SECTION_HEADER);
        block.putInt(BYTE_ORDER).putShort(MAJOR).putShort((short) 0).putLong(UNKNOWN_LENGTH);
        option(SHB_USERAPPL, text(application));
        close();
        open(INTERFACE_DESCRIPTION);
        block.putShort(LINKTYPE_ETHERNET).putShort((short) 0).putInt(about.snapLength());
        option(IF_NAME, text(about.name()));
        option(IF_DESCRIPTION, text(about.description()));
        option(IF_TSRESOL, new byte[] {NANOSECONDS});
        if (!about.filter().isEmpty()) {
            var filter = text(about.filter());
            var value = new byte[filter.length + 1];
            value[0] = FILTER_TEXT;
            System.arraycopy(filter, 0, value, 1, filter.length);
            option(IF_FILTER, value);
        }
        close();
    }

    /**
     * Adds a frame (section 4.3).
     *
     * @param nanos time since 1970
     * @param flags {@link #INBOUND} or {@link #OUTBOUND}
     * @param length bytes that the frame had
     * @param bytes where its first bytes are
     */
    public void frame(long nanos, int flags, int length, byte[] bytes, int offset, int captured)
            throws IOException {
        if (block.capacity() < captured + PACKET_OVERHEAD) {
            block = buffer(Integer.highestOneBit(captured + PACKET_OVERHEAD) * 2);
        }
        open(ENHANCED_PACKET);
        block.putInt(INTERFACE);
        time(nanos);
        block.putInt(captured).putInt(length).put(bytes, offset, captured);
        pad();
        block.putShort((short) EPB_FLAGS).putShort((short) WORD).putInt(flags);
        close();
    }

    /**
     * Adds what was counted (section 4.6). A later one takes the place of an earlier one.
     *
     * @param begin when the capture began, in nanoseconds since 1970
     * @param now in nanoseconds since 1970
     */
    public void statistics(long begin, long now, Statistics counted) throws IOException {
        open(INTERFACE_STATISTICS);
        block.putInt(INTERFACE);
        time(now);
        header(ISB_STARTTIME, Long.BYTES);
        time(begin);
        header(ISB_ENDTIME, Long.BYTES);
        time(now);
        number(ISB_IFRECV, counted.received());
        number(ISB_IFDROP, counted.dropped());
        number(ISB_FILTERACCEPT, counted.accepted());
        close();
    }

    /** Shows the reader what was written. */
    public void flush() throws IOException {
        out.flush();
    }

    /** The high half comes first, whatever the byte order. */
    private void time(long nanos) {
        block.putInt((int) (nanos >>> Integer.SIZE)).putInt((int) nanos);
    }

    private void number(int option, long value) {
        header(option, Long.BYTES);
        block.putLong(value);
    }

    private void header(int option, int length) {
        block.putShort((short) option).putShort((short) length);
    }

    private void option(int option, byte[] value) {
        header(option, value.length);
        block.put(value);
        pad();
    }

    private static byte[] text(String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        // A file whose names are too long is of no use; nobody has such names.
        return Arrays.copyOf(bytes, Math.min(bytes.length, 1024));
    }

    private void open(int type) {
        block.clear().putInt(type).putInt(0);
    }

    private void pad() {
        while (block.position() % WORD != 0) {
            block.put((byte) 0);
        }
    }

    private void close() throws IOException {
        header(END, 0);
        int length = block.position() + WORD;
        block.putInt(length).putInt(WORD, length);
        out.write(block.array(), 0, length);
    }
}
