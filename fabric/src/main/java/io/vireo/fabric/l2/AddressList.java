package io.vireo.fabric.l2;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.net.PortPolicy;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import io.vireo.resource.spec.AntiSpoofingSpec;
import io.vireo.resource.spec.AntiSpoofingSpec.LinkLocal;
import java.util.List;
import java.util.Optional;

/** The IP addresses that a port may use, as arrays of numbers and masks. */
final class AddressList {
    // fe80::/64 and the bits by which RFC 4291, appendix A, makes an interface identifier of a MAC
    // address.
    private static final long LINK_LOCAL = 0xFE80_0000_0000_0000L;
    private static final long EUI64_FILLER = 0x0000_00FF_FE00_0000L;
    private static final long UNIVERSAL_BIT = 1L << 57;
    private static final long LOWER_OCTETS = 0xFF_FFFFL;

    private final int[] value4;
    private final int[] mask4;
    private final long[] high6;
    private final long[] highMask6;
    private final long[] low6;
    private final long[] lowMask6;
    private final boolean anyLinkLocal;
    private final long ownIdentifier;

    AddressList(AntiSpoofingSpec spec, Optional<MacAddress> mac) {
        var four = spec.addresses().stream().filter(prefix -> !prefix.v6()).toList();
        var six = spec.addresses().stream().filter(IpPrefix::v6).toList();
        value4 = four.stream().mapToInt(prefix -> (int) prefix.low()).toArray();
        mask4 = four.stream().mapToInt(prefix -> (int) prefix.lowMask()).toArray();
        high6 = longs(six.stream().map(IpPrefix::high).toList());
        highMask6 = longs(six.stream().map(IpPrefix::highMask).toList());
        low6 = longs(six.stream().map(IpPrefix::low).toList());
        lowMask6 = longs(six.stream().map(IpPrefix::lowMask).toList());
        anyLinkLocal = spec.linkLocal() == LinkLocal.ANY;
        ownIdentifier =
                spec.linkLocal() == LinkLocal.EUI64 && mac.isPresent()
                        ? identifier(mac.get().bits())
                        : 0;
    }

    /** The addresses that a policy lists, if it lists any. */
    static Optional<AddressList> of(PortPolicy policy) {
        return policy.rules()
                .antiSpoofing()
                .filter(spec -> !spec.addresses().isEmpty())
                .map(spec -> new AddressList(spec, policy.mac()));
    }

    private static long[] longs(List<Long> values) {
        return values.stream().mapToLong(Long::longValue).toArray();
    }

    /** The interface identifier of a MAC address whose first octet is highest. */
    static long identifier(long mac) {
        long upper = mac >>> 24 << 40;
        return (upper | EUI64_FILLER | mac & LOWER_OCTETS) ^ UNIVERSAL_BIT;
    }

    boolean allows4(int address) {
        for (int i = 0; i < value4.length; i++) {
            if ((address & mask4[i]) == value4[i]) {
                return true;
            }
        }
        return false;
    }

    /** Whether the IPv6 address at an offset of a frame is allowed. */
    boolean allows6(Headers headers, int offset) {
        return allows6(headers.u64(offset), headers.u64(offset + Long.BYTES));
    }

    boolean allows6(long high, long low) {
        if (high == LINK_LOCAL && (anyLinkLocal || (ownIdentifier != 0 && low == ownIdentifier))) {
            return true;
        }
        for (int i = 0; i < high6.length; i++) {
            if ((high & highMask6[i]) == high6[i] && (low & lowMask6[i]) == low6[i]) {
                return true;
            }
        }
        return false;
    }
}
