package io.vireo.fabric.l2;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.memory.NativeMemory;
import io.vireo.net.DropReason;
import io.vireo.net.Offload;

/**
 * Finds the VLAN of a frame (IEEE 802.1Q, 6.9) and whether its length is allowed, by its header
 * snapshot.
 */
final class Classifier {
    /** Ethernet header. */
    static final int HEADER = 14;

    /** The same with a tag. */
    static final int TAGGED_HEADER = 18;

    private static final int TCP_HEADER = 20;
    private static final int UDP_HEADER = 8;

    // A frame may carry a second tag that we do not look at, and that is not of the payload an MTU
    // counts.
    private static final int INNER_TAG = 4;
    private static final int TAG_TYPE = 0x0081; // 0x8100, read little-endian
    private static final int VID_MASK = 0xFFF;
    private static final int TCI_PRIORITY_MASK = 0xF000;

    private final Pass pass;
    private int maxPayload;

    /** Whether a frame of this pass has a VLAN or a tag: those who send have to look. */
    boolean vlansInPass;

    Classifier(Pass pass, int mtu) {
        this.pass = pass;
        this.maxPayload = mtu;
    }

    /** Changes the largest payload in bytes. */
    void mtu(int mtu) {
        maxPayload = mtu;
    }

    /** The largest payload in bytes. */
    int mtu() {
        return maxPayload;
    }

    /**
     * Finds the VLAN of a frame, or counts it and returns -1. {@code second} is bytes 8 to 15 of
     * its header.
     */
    int classify(BridgePort in, int i, long second) {
        boolean tag = (int) (second >>> 32 & 0xFFFF) == TAG_TYPE;
        pass.tagged[i] = tag;
        int header = tag ? TAGGED_HEADER : HEADER;
        long offload = pass.batch.offload[i];
        if (offload != 0 && isRewritten(offload, header)) {
            in.dropReceived(DropReason.INVALID, 1);
            return -1;
        }
        int vid;
        if (tag) {
            vid = classifyTagged(in, i, Short.reverseBytes((short) (second >>> 48)));
        } else {
            vid = in.vlans.untagged();
            if (vid < 0) {
                in.dropReceived(DropReason.VLAN, 1);
                return -1;
            }
        }
        pass.vlan[i] = vid;
        vlansInPass |= vid > 0 | tag;
        int payload = pass.batch.length[i] - header;
        if (vid >= 0 && payload > maxPayload && isTooLong(i, maxPayload)) {
            in.dropReceived(DropReason.TOO_LONG, 1);
            return -1;
        }
        return vid;
    }

    private int classifyTagged(BridgePort in, int i, short tci) {
        if (pass.batch.headerLength[i] < TAGGED_HEADER) {
            in.dropReceived(DropReason.INVALID, 1);
            return -1;
        }
        int vid = tci & VID_MASK;
        if (vid != 0) {
            if (in.vlans.carriesTagged(vid)) {
                return vid;
            }
        } else if (in.vlans.untagged() >= 0) {
            // Only a priority: it belongs to the VLAN of untagged frames, and says so if it leaves
            // with its tag.
            vid = in.vlans.untagged();
            short changed = (short) (tci & TCI_PRIORITY_MASK | vid);
            NativeMemory.putShort(pass.batch.header(i) + HEADER, Short.reverseBytes(changed));
            return vid;
        }
        in.dropReceived(DropReason.VLAN, 1);
        return -1;
    }

    /** Whether a checksum that is left to do would be written over addresses, type or tag. */
    private static boolean isRewritten(long offload, int header) {
        return (Offload.flags(offload) & Offload.NEEDS_CHECKSUM) != 0
                && Offload.checksumStart(offload) < header;
    }

    /** Whether a frame that was classified is too long for a port. */
    boolean isTooLongFor(BridgePort out, int i) {
        int payload = pass.batch.length[i] - (pass.tagged[i] ? TAGGED_HEADER : HEADER);
        return payload > out.maxPayload && isTooLong(i, out.maxPayload);
    }

    /** Whether a frame of more payload than {@code limit} has so after its segmentation too. */
    private boolean isTooLong(int i, int limit) {
        long offload = pass.batch.offload[i];
        int header = pass.tagged[i] ? TAGGED_HEADER : HEADER;
        if (Offload.gso(offload) == Offload.GSO_NONE) {
            return pass.batch.length[i] - header > limit + INNER_TAG;
        }
        int networkHeader = Offload.checksumStart(offload) - header;
        if (Headers.isTag(etherType(i, header))) {
            networkHeader -= INNER_TAG;
        }
        boolean datagrams = Offload.gsoType(offload) == Offload.GSO_UDP_L4;
        int transportHeader = datagrams ? UDP_HEADER : TCP_HEADER;
        return networkHeader + transportHeader + Offload.gsoSize(offload) > limit;
    }

    private int etherType(int i, int header) {
        short type = NativeMemory.getShort(pass.batch.header(i) + header - Short.BYTES);
        return Short.toUnsignedInt(Short.reverseBytes(type));
    }
}
