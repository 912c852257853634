package io.vireo.resource.spec;

import io.vireo.resource.BitRate;
import io.vireo.resource.Field;
import io.vireo.resource.Quantity;
import io.vireo.resource.Spec;
import java.util.Optional;
import java.util.OptionalInt;

/** Rates, shares and marks of vNICs. */
public record QosPolicySpec(
        @Field("Rates of what a server sends. Absent: no bounds.") Optional<Rates> transmit,
        @Field("Rates of what a server gets. Absent: no bounds.") Optional<Rates> receive,
        @Field(
                        value =
                                "Part of a congested uplink that a vNIC gets, in relation to the shares of the"
                                        + " others.",
                        defaultValue = "100",
                        min = 1,
                        max = 10_000)
                int shares,
        @Field(
                        "Rate on the uplink that a vNIC has whatever the others do, in bit/s: 500M. Absent: none.")
                Optional<BitRate> reservation,
        @Field("Rate on the uplink that a vNIC never exceeds, in bit/s. Absent: none.")
                Optional<BitRate> limit,
        @Field("Marks that frames which a server sends get. Absent: they keep the server's own.")
                Optional<Marking> marking)
        implements Spec {
    /** What other switches and routers go by, whatever the server wrote there. */
    public record Marking(
            @Field(
                            value =
                                    "Priority in 802.1Q tags (PCP), where a frame has one. Absent: the server's own.",
                            min = 0,
                            max = Limits.PCP_MAX)
                    OptionalInt pcp,
            @Field(
                            value =
                                    "Differentiated services code point of IPv4 and IPv6 packets. Absent: the server's own.",
                            min = 0,
                            max = Limits.DSCP_MAX)
                    OptionalInt dscp) {}

    /** The rates of one direction. */
    public record Rates(
            @Field(
                            "Committed information rate in bit/s: what is within it conforms. Absent: the peak rate.")
                    Optional<BitRate> cir,
            @Field(
                            "Peak information rate in bit/s: nothing passes beyond it. Absent: the committed rate.")
                    Optional<BitRate> pir,
            @Field(
                            "Bytes that may pass at once after a pause. Absent: 5 ms of the peak rate, at least 512 KiB.")
                    Optional<Quantity> burst,
            @Field(
                            "What is done beyond the peak rate: shape lets frames wait in the server, drop drops them."
                                    + " Absent: shape for transmit; receive can only drop.")
                    Optional<Exceed> exceed) {}

    /** What is done with frames beyond the peak rate. */
    public enum Exceed {
        /** They wait where they are. */
        SHAPE,
        /** They are dropped and counted. */
        DROP
    }
}
