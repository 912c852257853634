package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.IpPrefix;
import java.util.Optional;

/** How an uplink takes part in the Link Layer Discovery Protocol (IEEE 802.1AB). */
public record LldpSpec(
        @Field(value = "Whether LLDP frames are sent, listened to, or both.", defaultValue = "both")
                Mode mode,
        @Field(
                        value =
                                "Seconds between two LLDP frames. A neighbor that hears none for four times as long"
                                        + " and a second forgets the uplink.",
                        defaultValue = "30",
                        min = 1,
                        max = 3600)
                int intervalSeconds,
        @Field(
                        "IPv4 or IPv6 address by which the host is managed, told to the neighbors. Absent: none is"
                                + " told.")
                Optional<IpPrefix> managementAddress) {
    /** What is said where an Uplink says nothing of LLDP. */
    public static final LldpSpec DEFAULT = new LldpSpec(Mode.BOTH, 30, Optional.empty());

    /** Directions: adminStatus of IEEE 802.1AB, 9.2.5.1. */
    public enum Mode {
        /** Nothing is sent, and what arrives is not looked at. */
        OFF,
        /** Neighbors are listened to and told nothing. */
        RECEIVE,
        /** Neighbors are told of the uplink, and not listened to. */
        TRANSMIT,
        /** Both. */
        BOTH;

        /** Whether neighbors are told. */
        public boolean transmits() {
            return this == TRANSMIT || this == BOTH;
        }

        /** Whether neighbors are listened to. */
        public boolean receives() {
            return this == RECEIVE || this == BOTH;
        }
    }
}
