package io.vireo.device.virtio.net;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Which frames a card takes for its guest, as its driver set by the control queue (VIRTIO 1.3,
 * 5.1.6.5.1 to 5.1.6.5.3). Until the driver sets anything, everything. On the card's reactor.
 */
final class ReceiveFilter {
    /** Addresses of a kind in the table at most; a longer list is refused. */
    static final int ADDRESSES_MAX = 4096;

    // VIRTIO_NET_CTRL_RX commands
    private static final int PROMISC = 0;
    private static final int ALL_MULTICAST = 1;
    private static final int ALL_UNICAST = 2;
    private static final int NO_MULTICAST = 3;
    private static final int NO_UNICAST = 4;
    private static final int NO_BROADCAST = 5;
    private static final int MODES = 6;

    private static final long BROADCAST = 0xFFFF_FFFF_FFFFL;
    private static final long GROUP = 1;
    private static final int OCTETS = 6;
    private static final int TAG_AT = 12;
    private static final int TAG_END = 16;
    private static final short TAG_TYPE = 0x0081; // 0x8100, read little-endian
    private static final int VLAN_MASK = 0xFFF;
    private static final int VLANS = 4096;

    private final boolean byAddress;
    private final boolean byVlan;
    private final boolean extra;
    private final boolean[] modes = new boolean[MODES];
    private final long[] vlans = new long[VLANS / Long.SIZE];
    private final int[] selected = new int[FrameBatch.CAPACITY];
    private long own;

    // Addresses as numbers whose lowest byte is the first octet, ascending.
    private long[] unicast = {};
    private long[] multicast = {};

    /** A filter for a driver that took these features. */
    ReceiveFilter(long features, byte[] address) {
        byAddress = (features & NetFeatures.CTRL_RX) != 0;
        byVlan = (features & NetFeatures.CTRL_VLAN) != 0;
        extra = (features & NetFeatures.CTRL_RX_EXTRA) != 0;
        modes[PROMISC] = true;
        // Frames of class 0 are those without VLAN, tagged for their priority only.
        vlans[0] = 1;
        address(address);
    }

    /** The card's own address. */
    void address(byte[] octets) {
        own = number(ByteBuffer.wrap(octets));
    }

    /** VIRTIO_NET_CTRL_RX: returns whether there is such a mode. */
    boolean mode(int command, boolean on) {
        if (!byAddress || command >= MODES || command >= ALL_UNICAST && !extra) {
            return false;
        }
        modes[command] = on;
        return true;
    }

    /** VIRTIO_NET_CTRL_MAC_TABLE_SET. */
    boolean addresses(long[] unicastList, long[] multicastList) {
        if (!byAddress) {
            return false;
        }
        unicast = unicastList;
        multicast = multicastList;
        Arrays.sort(unicast);
        Arrays.sort(multicast);
        return true;
    }

    /** VIRTIO_NET_CTRL_VLAN_ADD and _DEL. */
    boolean vlan(int vlan, boolean add) {
        if (!byVlan || vlan >= VLANS) {
            return false;
        }
        long bit = 1L << vlan;
        int word = vlan / Long.SIZE;
        vlans[word] = add ? vlans[word] | bit : vlans[word] & ~bit;
        return true;
    }

    /** Reads an address. */
    static long number(ByteBuffer octets) {
        long number = 0;
        for (int i = 0; i < OCTETS; i++) {
            number |= Byte.toUnsignedLong(octets.get()) << i * Byte.SIZE;
        }
        return number;
    }

    /** Selects the frames that the guest gets into {@link #index}; returns their number. */
    int select(FrameBatch frames, int[] index, int count) {
        int taken = 0;
        for (int k = 0; k < count; k++) {
            int i = index[k];
            selected[taken] = i;
            if (takes(NativeMemory.getLong(frames.header(i)) & BROADCAST)
                    && (!byVlan || carries(vlan(frames, i)))) {
                taken++;
            }
        }
        return taken;
    }

    /** The frames that {@link #select} found. */
    int[] index() {
        return selected;
    }

    private boolean takes(long address) {
        if (!byAddress || modes[PROMISC]) {
            return true;
        }
        if (address == BROADCAST) {
            return !modes[NO_BROADCAST];
        }
        if ((address & GROUP) != 0) {
            return !modes[NO_MULTICAST]
                    && (modes[ALL_MULTICAST] || Arrays.binarySearch(multicast, address) >= 0);
        }
        return !modes[NO_UNICAST]
                && (address == own
                        || modes[ALL_UNICAST]
                        || Arrays.binarySearch(unicast, address) >= 0);
    }

    private boolean carries(int vlan) {
        return (vlans[vlan / Long.SIZE] >>> vlan & 1) != 0;
    }

    /** The VLAN that a frame is tagged with when its VLAN action is done; 0: none. */
    private static int vlan(FrameBatch frames, int i) {
        byte action = frames.vlanAction[i];
        if (action == FrameBatch.VLAN_PUSH) {
            return frames.vlanTci[i] & VLAN_MASK;
        }
        long tag = frames.header(i) + TAG_AT;
        boolean tagged =
                action == FrameBatch.VLAN_KEEP
                        && frames.headerLength[i] >= TAG_END
                        && NativeMemory.getShort(tag) == TAG_TYPE;
        return tagged ? Short.reverseBytes(NativeMemory.getShort(tag + 2)) & VLAN_MASK : 0;
    }
}
