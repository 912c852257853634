package io.vireo.fabric.l2.lldp;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Reads an LLDPDU by the rules of IEEE 802.1AB-2016, 9.2.7.7: if one of the three parts that it
 * begins with is wrong, all of it is discarded; of the others, only those that are wrong. Nothing
 * in it can make this fail. Used once, for one frame.
 */
final class LldpduReader {
    private static final List<String> CAPABILITIES =
            List.of(
                    "other",
                    "repeater",
                    "bridge",
                    "wlan",
                    "router",
                    "telephone",
                    "docsis",
                    "station",
                    "c-vlan",
                    "s-vlan",
                    "two-port-mac-relay");

    private final byte[] bytes;
    private final int end;
    private final LldpStatistics statistics;
    private int at = LldpFrame.HEADER;

    // The TLV at hand.
    private int type;
    private int from;
    private int to;

    private boolean damaged;
    private int seen;
    private String chassis = "";
    private String port = "";
    private int ttl;
    private String portDescription = "";
    private String systemName = "";
    private String systemDescription = "";
    private final List<String> capabilities = new ArrayList<>();
    private final List<String> addresses = new ArrayList<>();
    private OptionalInt portVlan = OptionalInt.empty();
    private OptionalInt maximumFrame = OptionalInt.empty();

    private LldpduReader(byte[] bytes, int end, LldpStatistics statistics) {
        this.bytes = bytes;
        this.end = end;
        this.statistics = statistics;
    }

    /**
     * Reads a frame and counts what is wrong with it.
     *
     * @param length bytes of the frame
     * @return who sent it; with a time to live of 0 nothing else is told. Empty: it is discarded
     */
    static Optional<Neighbor> read(byte[] frame, int length, LldpStatistics statistics) {
        var reader = new LldpduReader(frame, length, statistics);
        boolean good = reader.mandatory() && (reader.ttl == 0 || reader.optional());
        if (!good) {
            statistics.framesDiscarded.incrementAndGet();
        }
        if (!good || reader.damaged) {
            statistics.framesInErrors.incrementAndGet();
        }
        return good ? Optional.of(reader.neighbor()) : Optional.empty();
    }

    private Neighbor neighbor() {
        return new Neighbor(
                chassis + "\n" + port,
                chassis.substring(2),
                port.substring(2),
                ttl,
                portDescription,
                systemName,
                systemDescription,
                capabilities,
                addresses,
                portVlan,
                maximumFrame);
    }

    /** Takes the next TLV; false if it is not whole. */
    private boolean next() {
        if (at + Tlv.HEADER > end) {
            return false;
        }
        int header = u16(at);
        type = header >>> Tlv.LENGTH_BITS;
        from = at + Tlv.HEADER;
        to = from + (header & Tlv.LENGTH_MAX);
        at = to;
        return to <= end;
    }

    private int length() {
        return to - from;
    }

    private boolean mandatory() {
        if (!next() || type != Tlv.CHASSIS_ID || !isId()) {
            return false;
        }
        chassis = id(Tlv.CHASSIS_MAC, Tlv.CHASSIS_NETWORK_ADDRESS);
        if (!next() || type != Tlv.PORT_ID || !isId()) {
            return false;
        }
        port = id(Tlv.PORT_MAC, Tlv.PORT_NETWORK_ADDRESS);
        if (!next() || type != Tlv.TIME_TO_LIVE || length() < Short.BYTES) {
            return false;
        }
        ttl = u16(from);
        return true;
    }

    private boolean isId() {
        return length() >= Tlv.ID_MIN && length() <= Tlv.ID_MAX;
    }

    /** Its subtype, which keeps identifiers of different kinds apart, a space, and the text. */
    private String id(int mac, int networkAddress) {
        int subtype = u8(from);
        int first = from + 1;
        String text;
        if (subtype == mac && to - first == 6) {
            text = TlvText.mac(bytes, first);
        } else if (subtype == networkAddress) {
            text = TlvText.address(bytes, first, to);
        } else {
            text = TlvText.textOrHex(bytes, first, to);
        }
        return (char) ('0' + subtype) + " " + text;
    }

    private boolean optional() {
        while (at < end) {
            if (!next()) {
                // Beyond the end of the frame.
                discard();
                return true;
            }
            if (type == Tlv.END) {
                if (length() != 0) {
                    discard();
                }
                return true;
            }
            if (type <= Tlv.TIME_TO_LIVE) {
                // Twice.
                return false;
            }
            take();
        }
        return true;
    }

    private void take() {
        if (type > Tlv.MANAGEMENT_ADDRESS && type < Tlv.ORGANIZATION) {
            statistics.tlvsUnrecognized.incrementAndGet();
            return;
        }
        boolean several = type == Tlv.MANAGEMENT_ADDRESS || type == Tlv.ORGANIZATION;
        boolean again = !several && (seen & 1 << type) != 0;
        if (again || !isTaken()) {
            discard();
        }
        if (!several) {
            seen |= 1 << type;
        }
    }

    private boolean isTaken() {
        return switch (type) {
            case Tlv.SYSTEM_CAPABILITIES -> readCapabilities();
            case Tlv.MANAGEMENT_ADDRESS -> readAddress();
            case Tlv.ORGANIZATION -> readOrganization();
            default -> readText();
        };
    }

    private boolean readText() {
        if (length() > Tlv.TEXT_MAX) {
            return false;
        }
        var text = TlvText.text(bytes, from, to);
        switch (type) {
            case Tlv.PORT_DESCRIPTION -> portDescription = text;
            case Tlv.SYSTEM_NAME -> systemName = text;
            default -> systemDescription = text;
        }
        return true;
    }

    private boolean readCapabilities() {
        if (length() != Tlv.CAPABILITIES_LENGTH) {
            return false;
        }
        int enabled = u16(from) & u16(from + Short.BYTES);
        for (int i = 0; i < CAPABILITIES.size(); i++) {
            if ((enabled & 1 << i) != 0) {
                capabilities.add(CAPABILITIES.get(i));
            }
        }
        return true;
    }

    private boolean readAddress() {
        if (length() < Tlv.MANAGEMENT_MIN || length() > Tlv.MANAGEMENT_MAX) {
            return false;
        }
        int string = u8(from);
        int first = from + 1;
        // Behind the address: numbering, number, and length of an object identifier.
        int identifier = first + string + 1 + Integer.BYTES;
        if (string < Tlv.MANAGEMENT_STRING_MIN
                || string > Tlv.MANAGEMENT_STRING_MAX
                || identifier >= to
                || u8(identifier) > Tlv.OID_MAX
                || identifier + 1 + u8(identifier) > to) {
            return false;
        }
        if (addresses.size() < Neighbor.ADDRESSES_MAX) {
            addresses.add(TlvText.address(bytes, first, first + string));
        }
        return true;
    }

    private boolean readOrganization() {
        if (length() < Tlv.ORGANIZATION_MIN) {
            return false;
        }
        int which = ByteBuffer.wrap(bytes).getInt(from);
        if (which != Tlv.PORT_VLAN && which != Tlv.MAXIMUM_FRAME_SIZE) {
            statistics.tlvsUnrecognized.incrementAndGet();
            return true;
        }
        if (length() != Tlv.ORGANIZATION_SHORT) {
            return false;
        }
        var value = OptionalInt.of(u16(from + Tlv.ORGANIZATION_MIN));
        if (which == Tlv.PORT_VLAN) {
            portVlan = value;
        } else {
            maximumFrame = value;
        }
        return true;
    }

    private void discard() {
        damaged = true;
        statistics.tlvsDiscarded.incrementAndGet();
    }

    private int u8(int offset) {
        return Byte.toUnsignedInt(bytes[offset]);
    }

    private int u16(int offset) {
        return u8(offset) << Byte.SIZE | u8(offset + 1);
    }
}
