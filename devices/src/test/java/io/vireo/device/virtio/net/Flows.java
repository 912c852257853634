package io.vireo.device.virtio.net;

import io.vireo.testkit.Frames;
import java.nio.ByteBuffer;
import java.util.HexFormat;

/** Frames from one station to another. */
final class Flows {
    static final long A = 0x5254_0000_000AL;
    static final long B = 0x5254_0000_000BL;

    private Flows() {}

    /** TCP or UDP of the verification suite that makers of cards use for receive-side scaling. */
    static byte[] flow4(int protocol) {
        var frame = Frames.frame(B, A, 80);
        var ip = ByteBuffer.wrap(frame, 12, 68);
        ip.putShort((short) 0x0800).put((byte) 0x45).put((byte) 0).putShort((short) 60);
        ip.putInt(0).put((byte) 64).put((byte) protocol).putShort((short) 0);
        ip.put(HexFormat.of().parseHex("420995bb" + "a18e6450"));
        ip.putShort((short) 2794).putShort((short) 1766);
        return frame;
    }

    /** The same over IPv6. */
    static byte[] flow6(int protocol) {
        var frame = Frames.frame(B, A, 80);
        var ip = ByteBuffer.wrap(frame, 12, 68);
        ip.putShort((short) 0x86DD).putInt(0x6000_0000).putShort((short) 20);
        ip.put((byte) protocol).put((byte) 64);
        ip.put(
                HexFormat.of()
                        .parseHex(
                                "3ffe250102001fff0000000000000007"
                                        + "3ffe2501020000030000000000000001"));
        ip.putShort((short) 2794).putShort((short) 1766);
        return frame;
    }

    /** An IPv6 packet with a further extension header of so many times eight bytes. */
    static byte[] extended(byte[] frame, int header, int units) {
        var longer = new byte[frame.length + 8 * units];
        System.arraycopy(frame, 0, longer, 0, 54);
        longer[54] = frame[20];
        longer[55] = (byte) (header == 44 ? 0 : units - 1);
        System.arraycopy(frame, 54, longer, 54 + 8 * units, frame.length - 54);
        longer[20] = (byte) header;
        return longer;
    }

    /** A UDP datagram; byte i of its payload is i / 16. */
    static byte[] datagrams(int version, int payload) {
        int start = version == 4 ? 34 : 54;
        var frame = Frames.frame(B, A, start + 8 + payload);
        var ip = ByteBuffer.wrap(frame);
        if (version == 4) {
            ip.putShort(12, (short) 0x0800).put(14, (byte) 0x45).putShort(16, (short) 0);
            ip.putInt(18, 0x0001_0000).put(22, (byte) 64).put(23, (byte) 17);
        } else {
            ip.putShort(12, (short) 0x86DD).putInt(14, 0x6000_0000);
            ip.put(20, (byte) 17).put(21, (byte) 64);
        }
        for (int i = 0; i < payload; i++) {
            frame[start + 8 + i] = (byte) (i >> 4);
        }
        return frame;
    }
}
