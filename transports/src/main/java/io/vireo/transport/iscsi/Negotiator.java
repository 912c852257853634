package io.vireo.transport.iscsi;

import io.vireo.transport.iscsi.KeyText.Pair;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Operational parameters as they are negotiated (RFC 7143, 6.2), and what came of it. */
final class Negotiator {
    static final int MIN_LENGTH = 512;
    static final int MAX_LENGTH = (1 << 24) - 1;

    /** What we take in one data segment, after the login. */
    static final int MAX_SEGMENT = 256 << 10;

    /** What both sides take in one data segment before they have said otherwise (13.12). */
    static final int DEFAULT_SEGMENT = 8192;

    static final int MAX_BURST = 1 << 20;
    static final int FIRST_BURST = 64 << 10;
    static final int OUTSTANDING_R2T = 8;

    private final Map<TextKey, String> results = new EnumMap<>(TextKey.class);
    private boolean discovery;
    private boolean declared;

    /** It is a discovery session: what has no meaning there is not negotiated. */
    void discovery() {
        discovery = true;
    }

    /**
     * Answers an operational key.
     *
     * @throws LoginException if it was negotiated before (6.3)
     */
    Optional<Pair> offer(TextKey key, String value) throws LoginException {
        if (results.containsKey(key)) {
            throw new LoginException(
                    LoginException.INITIATOR_ERROR, key.text() + " is negotiated twice");
        }
        Optional<String> answer = discovery ? inDiscovery(key, value) : key.rule().answer(value);
        results.put(key, answer.orElse(value));
        return answer.map(text -> new Pair(key.text(), text));
    }

    private static Optional<String> inDiscovery(TextKey key, String value) {
        if (key == TextKey.HEADER_DIGEST || key == TextKey.DATA_DIGEST) {
            // The connection of a discovery session is served without digests.
            boolean none = List.of(value.split(",", -1)).contains("None");
            return Optional.of(none ? "None" : TextKey.REJECT);
        }
        return key.rule().answer(value);
    }

    /** What we have to declare ourselves, once. */
    List<Pair> declarations() {
        var pairs = new ArrayList<Pair>();
        if (!declared) {
            declared = true;
            int length = discovery ? DEFAULT_SEGMENT : MAX_SEGMENT;
            pairs.add(
                    new Pair(
                            TextKey.MAX_RECV_DATA_SEGMENT_LENGTH.text(), Integer.toString(length)));
        }
        return pairs;
    }

    /** The results, with the defaults of section 13 for what was not negotiated. */
    SessionParameters parameters() {
        return new SessionParameters(
                isCrc(TextKey.HEADER_DIGEST),
                isCrc(TextKey.DATA_DIGEST),
                isYes(TextKey.INITIAL_R2T, true),
                isYes(TextKey.IMMEDIATE_DATA, true),
                number(TextKey.MAX_RECV_DATA_SEGMENT_LENGTH, DEFAULT_SEGMENT),
                declared ? MAX_SEGMENT : DEFAULT_SEGMENT,
                number(TextKey.MAX_BURST_LENGTH, 256 << 10),
                number(TextKey.FIRST_BURST_LENGTH, 64 << 10),
                number(TextKey.MAX_OUTSTANDING_R2T, 1));
    }

    private boolean isCrc(TextKey key) {
        return !discovery && "CRC32C".equals(results.get(key));
    }

    private boolean isYes(TextKey key, boolean otherwise) {
        String result = results.get(key);
        return result == null || result.equals(TextKey.REJECT) ? otherwise : result.equals("Yes");
    }

    private int number(TextKey key, int otherwise) {
        String result = results.get(key);
        return result == null ? otherwise : (int) NumericValue.number(result).orElse(otherwise);
    }
}
