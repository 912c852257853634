package io.vireo.net;

import io.vireo.memory.NativeMemory;

/**
 * The frame that tells switches where a station is reached now: a reverse ARP request about itself
 * (RFC 903), which no station answers and which needs no IP address.
 */
public final class Announcement {
    private static final int LENGTH = 60;
    private static final int TAG = 4;
    private static final short VLAN = (short) 0x8100;
    private static final short RARP = (short) 0x8035;
    private static final short ETHERNET = 1;
    private static final short IPV4 = 0x0800;
    private static final short LENGTHS = 0x0604;
    private static final short REQUEST_REVERSE = 3;
    private static final long BROADCAST = 0xFFFF_FFFF_FFFFL;

    // Ethernet, then RFC 826: sender and target
    private static final int SOURCE = 6;
    private static final int TYPE = 12;
    private static final int ARP = 14;
    private static final int SENDER = 22;
    private static final int TARGET = 32;

    private Announcement() {}

    /** Makes it the only frame of a batch. */
    public static void fill(FrameBatch frames, Station station) {
        long frame = frames.header(0);
        for (int i = 0; i < LENGTH + TAG; i++) {
            NativeMemory.putByte(frame + i, (byte) 0);
        }
        long address = station.address().bits();
        put(frame, BROADCAST);
        put(frame + SOURCE, address);
        long at = frame;
        if (station.tag() != 0) {
            put(frame + TYPE, VLAN);
            put(frame + TYPE + 2, (short) station.tag());
            at += TAG;
        }
        put(at + TYPE, RARP);
        put(at + ARP, ETHERNET);
        put(at + ARP + 2, IPV4);
        put(at + ARP + 4, LENGTHS);
        put(at + ARP + 6, REQUEST_REVERSE);
        put(at + SENDER, address);
        put(at + TARGET, address);
        int length = (int) (at - frame) + LENGTH;
        frames.clear();
        frames.count = 1;
        frames.length[0] = length;
        frames.headerLength[0] = length;
        frames.offload[0] = 0;
        frames.checksumOffset[0] = 0;
        frames.firstRange[0] = 0;
        frames.rangeCount[0] = 0;
    }

    private static void put(long at, short value) {
        NativeMemory.putShort(at, Short.reverseBytes(value));
    }

    /** Writes the lower 48 bits, the highest byte first. */
    private static void put(long at, long address) {
        NativeMemory.putInt(at, Integer.reverseBytes((int) (address >>> Short.SIZE)));
        NativeMemory.putShort(at + Integer.BYTES, Short.reverseBytes((short) address));
    }
}
