package io.vireo.fabric.l2;

import java.util.Arrays;
import java.util.List;

/**
 * Says slowly whether a card may send a frame: written from the rules alone, over an array that
 * ends where the switch may not look further. The card and its addresses are those of {@link
 * AddressGuardTest}.
 */
final class SpoofingOracle {
    private static final int SEEN = 128;
    private static final List<Integer> EXTENSIONS = List.of(0, 43, 44, 51, 60);

    private byte[] seen;
    private final int length;
    private final int at;

    private SpoofingOracle(byte[] frame, int at) {
        this.seen = Arrays.copyOf(frame, Math.min(frame.length, SEEN));
        this.length = frame.length;
        this.at = at;
    }

    static boolean allows(byte[] frame) {
        boolean tagged = frame.length >= 16 && two(frame, 12) == 0x8100;
        int at = tagged ? 18 : 14;
        try {
            return new SpoofingOracle(frame, at).allows(two(frame, at - 2));
        } catch (ArrayIndexOutOfBoundsException e) {
            // It would have to look where there is nothing.
            return false;
        }
    }

    private boolean allows(int type) {
        return switch (type) {
            case 0x0806 -> arp();
            case 0x0800 -> ipv4();
            case 0x86DD -> ipv6();
            case 0x8100, 0x88A8, 0x9100 -> false;
            default -> type >= 0x600 || !typeInSnap();
        };
    }

    private boolean typeInSnap() {
        if (seen.length < at + 8 || (two(seen, at) & 0xFEFE) != 0xAAAA) {
            return false;
        }
        int organization = four(at + 2) & 0xFFFFFF;
        return organization == 0 || organization == 0xF8;
    }

    private boolean arp() {
        int sender = four(at + 14);
        slice(at, 28);
        boolean types = two(seen, at) == 1 && two(seen, at + 2) == 0x0800;
        return types
                && two(seen, at + 4) == 0x0604
                && equal(at + 8, 6, 6)
                && (mine4(sender) || (sender == 0 && two(seen, at + 6) == 1));
    }

    private boolean ipv4() {
        int header = (seen[at] & 0xF) * 4;
        int fragmentation = two(seen, at + 6);
        int source = four(at + 12);
        int destination = four(at + 16);
        end(at + two(seen, at + 2));
        if ((seen[at] & 0xF0) != 0x40 || header < 20 || header > two(seen, at + 2)) {
            return false;
        }
        if (at + header > length) {
            return false;
        }
        boolean first = (fragmentation & 0x1FFF) == 0;
        boolean udp = seen[at + 9] == 17 && first;
        int from = udp ? two(seen, at + header) : 0;
        int to = udp ? two(seen, at + header + 2) : 0;
        if (mine4(source)) {
            return true;
        }
        boolean whole = (fragmentation & 0x3FFF) == 0;
        boolean asks = udp && from == 68 && to == 67 && destination == -1;
        return source == 0 && whole && (asks || seen[at + 9] == 2);
    }

    private boolean ipv6() {
        if ((seen[at] & 0xF0) != 0x60) {
            return false;
        }
        byte[] source = slice(at + 8, 16);
        slice(at + 24, 16);
        int next = seen[at + 6] & 0xFF;
        int upper = at + 40;
        end(upper + two(seen, at + 4));
        boolean fragment = false;
        while (EXTENSIONS.contains(next)) {
            slice(upper, 8);
            int size = (seen[upper + 1] & 0xFF) * 8 + 8;
            if (next == 44) {
                size = 8;
                fragment = true;
                if (two(seen, upper + 2) >> 3 != 0) {
                    return mine6(source);
                }
            } else if (next == 51) {
                size = (seen[upper + 1] & 0xFF) * 4 + 8;
            }
            next = seen[upper] & 0xFF;
            upper += size;
        }
        if (next == 17 || next == 58) {
            slice(upper, 4);
        }
        int type = next == 58 ? seen[upper] & 0xFF : -1;
        boolean nobody = Arrays.equals(source, new byte[16]);
        boolean may = type == 131 || type == 132 || type == 133 || type == 135 || type == 143;
        if (!mine6(source) && !(nobody && may)) {
            return false;
        }
        if (type < 133 || type > 137) {
            return true;
        }
        return !fragment && discovery(type, upper, nobody);
    }

    /** Behind this there is nothing. */
    private void end(int end) {
        seen = Arrays.copyOf(seen, Math.min(seen.length, end));
    }

    private boolean discovery(int type, int upper, boolean nobody) {
        int end = Math.min(length, at + 40 + two(seen, at + 4));
        switch (type) {
            case 133:
                return options(upper + 8, end, 1);
            case 134:
                return options(upper + 16, end, 1);
            case 135:
                return (mine6(slice(upper + 8, 16)) || !nobody) && options(upper + 24, end, 1);
            case 136:
                return mine6(slice(upper + 8, 16)) && options(upper + 24, end, 2);
            default:
                return true;
        }
    }

    private boolean options(int from, int end, int type) {
        int option = from;
        while (option < end) {
            slice(option, 8);
            if (seen[option + 1] == 0 || (seen[option] == type && !equal(option + 2, 6, 6))) {
                return false;
            }
            option += (seen[option + 1] & 0xFF) * 8;
        }
        return true;
    }

    private static boolean mine4(int address) {
        return address == 0x0A000005 || address >>> 16 == 0xC0A8;
    }

    private static boolean mine6(byte[] address) {
        byte[] mine = Packets.address6(0xFD00_0000_0000_0000L, 5);
        return Arrays.equals(address, mine)
                || two(address, 0) == 0x2001 && two(address, 2) == 0x0DB8
                || two(address, 0) == 0xFE80 && Arrays.equals(address, 2, 8, new byte[6], 0, 6);
    }

    private boolean equal(int one, int other, int count) {
        return Arrays.equals(slice(one, count), slice(other, count));
    }

    private byte[] slice(int from, int count) {
        if (from + count > seen.length) {
            throw new ArrayIndexOutOfBoundsException(from + count);
        }
        return Arrays.copyOfRange(seen, from, from + count);
    }

    private int four(int offset) {
        return two(seen, offset) << 16 | two(seen, offset + 2);
    }

    private static int two(byte[] bytes, int offset) {
        return (bytes[offset] & 0xFF) << 8 | bytes[offset + 1] & 0xFF;
    }
}
