package io.vireo.fabric.l2;

import io.vireo.net.PortPolicy;
import io.vireo.net.StationAddress;
import io.vireo.resource.MacAddress;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link PortPolicy} says, in the form that is used for each frame. MAC addresses are
 * little-endian numbers.
 *
 * @param sources addresses that may be the source of a frame; empty: all
 * @param bound addresses that belong to the port alone
 * @param macLimit stations behind the port at most
 * @param storm limits of frames that go to many; null: none
 * @param addresses IP addresses that the port may use; null: all
 */
record PortRules(
        long[] sources,
        long[] bound,
        int macLimit,
        @Nullable StormControl storm,
        @Nullable AddressList addresses) {
    /** No restriction. */
    static final PortRules NONE =
            new PortRules(new long[0], new long[0], Integer.MAX_VALUE, null, null);

    static PortRules of(PortPolicy policy) {
        var rules = policy.rules();
        var spoofing = rules.antiSpoofing();
        // A card whose own address is checked also has it for itself.
        var own = spoofing.isPresent() ? policy.mac().stream().toList() : List.<MacAddress>of();
        var further = spoofing.map(spec -> spec.macs()).orElse(List.of());
        var bound =
                LongStream.concat(addresses(own), addresses(rules.boundMacs()))
                        .distinct()
                        .toArray();
        // What is bound to the card may be its source too, or binding it would be of no use.
        var sources =
                spoofing.isPresent()
                        ? LongStream.concat(Arrays.stream(bound), addresses(further)).toArray()
                        : NONE.sources;
        return new PortRules(
                sources,
                bound,
                rules.macLimit().orElse(Integer.MAX_VALUE),
                rules.stormControl().map(StormControl::new).orElse(null),
                AddressList.of(policy).orElse(null));
    }

    private static LongStream addresses(List<MacAddress> macs) {
        return macs.stream().mapToLong(mac -> littleEndian(mac.bits()));
    }

    /** The number that {@link MacTable} takes for an address whose first octet is highest. */
    static long littleEndian(long bits) {
        return Long.reverseBytes(bits) >>> 16;
    }

    /** The address of a number of {@link #bound}. */
    static MacAddress address(long littleEndian) {
        return new MacAddress(Long.reverseBytes(littleEndian) >>> 16);
    }

    /** The same, but that any number of frames may go to many. */
    PortRules withoutStormControl() {
        return new PortRules(sources, bound, macLimit, null, addresses);
    }

    /** Whether a station of the port may have an address. */
    boolean mayHave(StationAddress address) {
        if (addresses == null) {
            return true;
        }
        return address.v6()
                ? addresses.allows6(address.high(), address.low())
                : addresses.allows4((int) address.low());
    }

    boolean mayBeSource(long address) {
        if (sources.length == 0) {
            return true;
        }
        for (long source : sources) {
            if (source == address) {
                return true;
            }
        }
        return false;
    }
}
