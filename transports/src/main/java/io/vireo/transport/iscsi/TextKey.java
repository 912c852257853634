package io.vireo.transport.iscsi;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The keys (RFC 7143, 13; RFC 7144, 7), each with the rule by which a target answers it. What we
 * can do is in here, too: the result of a negotiation is a function of the offer alone.
 */
enum TextKey {
    // Who and what for: declared by the initiator in its first request.
    INITIATOR_NAME("InitiatorName", Phase.IDENTITY, new Rule.Declaration()),
    INITIATOR_ALIAS("InitiatorAlias", Phase.IDENTITY, new Rule.Declaration()),
    TARGET_NAME("TargetName", Phase.IDENTITY, new Rule.Declaration()),
    SESSION_TYPE("SessionType", Phase.IDENTITY, new Rule.Declaration()),

    // Security (12). CHAP's keys belong to the authentication that runs.
    AUTH_METHOD("AuthMethod", Phase.SECURITY, new Rule.Authentication()),
    CHAP_A("CHAP_A", Phase.SECURITY, new Rule.Authentication()),
    CHAP_I("CHAP_I", Phase.SECURITY, new Rule.Authentication()),
    CHAP_C("CHAP_C", Phase.SECURITY, new Rule.Authentication()),
    CHAP_N("CHAP_N", Phase.SECURITY, new Rule.Authentication()),
    CHAP_R("CHAP_R", Phase.SECURITY, new Rule.Authentication()),

    HEADER_DIGEST("HeaderDigest", Phase.OPERATIONAL, new Rule.Choice(List.of("None", "CRC32C"))),
    DATA_DIGEST("DataDigest", Phase.OPERATIONAL, new Rule.Choice(List.of("None", "CRC32C"))),
    MAX_RECV_DATA_SEGMENT_LENGTH(
            "MaxRecvDataSegmentLength",
            Phase.OPERATIONAL,
            new Rule.Length(Negotiator.MIN_LENGTH, Negotiator.MAX_LENGTH)),
    PROTOCOL_LEVEL("iSCSIProtocolLevel", Phase.OPERATIONAL, new Rule.Minimum(0, 31, 1)),
    TASK_REPORTING("TaskReporting", Phase.OPERATIONAL_NORMAL, new Rule.Choice(List.of("RFC3720"))),
    MAX_CONNECTIONS("MaxConnections", Phase.OPERATIONAL_NORMAL, new Rule.Minimum(1, 65535, 1)),
    INITIAL_R2T("InitialR2T", Phase.OPERATIONAL_NORMAL, new Rule.Or(false)),
    IMMEDIATE_DATA("ImmediateData", Phase.OPERATIONAL_NORMAL, new Rule.And(true)),
    MAX_BURST_LENGTH(
            "MaxBurstLength",
            Phase.OPERATIONAL_NORMAL,
            new Rule.Minimum(Negotiator.MIN_LENGTH, Negotiator.MAX_LENGTH, Negotiator.MAX_BURST)),
    FIRST_BURST_LENGTH(
            "FirstBurstLength",
            Phase.OPERATIONAL_NORMAL,
            new Rule.Minimum(Negotiator.MIN_LENGTH, Negotiator.MAX_LENGTH, Negotiator.FIRST_BURST)),
    DEFAULT_TIME2WAIT("DefaultTime2Wait", Phase.OPERATIONAL_NORMAL, new Rule.Maximum(0, 3600, 0)),
    // A session ends with its connection: error recovery level 0.
    DEFAULT_TIME2RETAIN(
            "DefaultTime2Retain", Phase.OPERATIONAL_NORMAL, new Rule.Minimum(0, 3600, 0)),
    MAX_OUTSTANDING_R2T(
            "MaxOutstandingR2T",
            Phase.OPERATIONAL_NORMAL,
            new Rule.Minimum(1, 65535, Negotiator.OUTSTANDING_R2T)),
    DATA_PDU_IN_ORDER("DataPDUInOrder", Phase.OPERATIONAL_NORMAL, new Rule.Or(true)),
    DATA_SEQUENCE_IN_ORDER("DataSequenceInOrder", Phase.OPERATIONAL_NORMAL, new Rule.Or(true)),
    ERROR_RECOVERY_LEVEL("ErrorRecoveryLevel", Phase.OPERATIONAL_NORMAL, new Rule.Minimum(0, 2, 0)),

    // Markers are of RFC 3720, and obsolete; initiators still offer them.
    IF_MARKER("IFMarker", Phase.OPERATIONAL, new Rule.And(false)),
    OF_MARKER("OFMarker", Phase.OPERATIONAL, new Rule.And(false)),
    IF_MARK_INT("IFMarkInt", Phase.OPERATIONAL, new Rule.Fixed("Irrelevant")),
    OF_MARK_INT("OFMarkInt", Phase.OPERATIONAL, new Rule.Fixed("Irrelevant"));

    /** Answer to a value that breaks the rule of its key (6.2). */
    static final String REJECT = "Reject";

    /** Answer to a key that nobody knows (6.2). */
    static final String NOT_UNDERSTOOD = "NotUnderstood";

    /** When a key may be offered. */
    enum Phase {
        /** In the first request, and not again. */
        IDENTITY,
        /** While the stage is security negotiation. */
        SECURITY,
        /** While the stage is operational negotiation. */
        OPERATIONAL,
        /** As OPERATIONAL, without a meaning in discovery sessions. */
        OPERATIONAL_NORMAL
    }

    /** How a value is answered. */
    sealed interface Rule {
        /** The answer to an offer; empty: there is none to give. */
        Optional<String> answer(String offer);

        /** Declared by the initiator; not answered. */
        record Declaration() implements Rule {
            @Override
            public Optional<String> answer(String offer) {
                return Optional.empty();
            }
        }

        /** Answered by the authentication. */
        record Authentication() implements Rule {
            @Override
            public Optional<String> answer(String offer) {
                return Optional.empty();
            }
        }

        /** Always answered by the same. */
        record Fixed(String value) implements Rule {
            @Override
            public Optional<String> answer(String offer) {
                return Optional.of(value);
            }
        }

        /** The first one in the initiator's list that we know. */
        record Choice(List<String> known) implements Rule {
            @Override
            public Optional<String> answer(String offer) {
                return Optional.of(
                        Arrays.stream(offer.split(",", -1))
                                .filter(known::contains)
                                .findFirst()
                                .orElse(REJECT));
            }
        }

        /** Yes if both say so. */
        record And(boolean ours) implements Rule {
            @Override
            public Optional<String> answer(String offer) {
                return Optional.of(truth(offer, theirs -> theirs && ours));
            }
        }

        /** Yes if one of both says so. */
        record Or(boolean ours) implements Rule {
            @Override
            public Optional<String> answer(String offer) {
                return Optional.of(truth(offer, theirs -> theirs || ours));
            }
        }

        /** The smaller number. */
        record Minimum(long least, long most, long ours) implements Rule {
            @Override
            public Optional<String> answer(String offer) {
                return Optional.of(number(offer, least, most, theirs -> Math.min(theirs, ours)));
            }
        }

        /** The larger number. */
        record Maximum(long least, long most, long ours) implements Rule {
            @Override
            public Optional<String> answer(String offer) {
                return Optional.of(number(offer, least, most, theirs -> Math.max(theirs, ours)));
            }
        }

        /** A number that is declared; only a wrong one is answered. */
        record Length(long least, long most) implements Rule {
            @Override
            public Optional<String> answer(String offer) {
                String result = number(offer, least, most, theirs -> theirs);
                return result.equals(REJECT) ? Optional.of(REJECT) : Optional.empty();
            }
        }

        private static String truth(String offer, Function<Boolean, Boolean> result) {
            return switch (offer) {
                case "Yes" -> result.apply(true) ? "Yes" : "No";
                case "No" -> result.apply(false) ? "Yes" : "No";
                default -> REJECT;
            };
        }

        private static String number(
                String offer, long least, long most, Function<Long, Long> result) {
            OptionalLong theirs = NumericValue.number(offer);
            if (theirs.isEmpty() || theirs.getAsLong() < least || theirs.getAsLong() > most) {
                return REJECT;
            }
            return Long.toString(result.apply(theirs.getAsLong()));
        }
    }

    private static final Map<String, TextKey> BY_NAME =
            Arrays.stream(values()).collect(Collectors.toMap(TextKey::text, key -> key));

    private final String text;
    private final Phase phase;
    private final Rule rule;

    TextKey(String text, Phase phase, Rule rule) {
        this.text = text;
        this.phase = phase;
        this.rule = rule;
    }

    /** The key of this name, as it is on the wire. */
    static Optional<TextKey> of(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    /** Its name on the wire. */
    String text() {
        return text;
    }

    Phase phase() {
        return phase;
    }

    Rule rule() {
        return rule;
    }
}
