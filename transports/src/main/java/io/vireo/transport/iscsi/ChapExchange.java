package io.vireo.transport.iscsi;

import io.vireo.resource.ResourceException;
import io.vireo.transport.iscsi.KeyText.Pair;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * CHAP (RFC 7143, 12.1.3) of one login, the target's side. An identifier and a challenge are used
 * once; an initiator that gives our challenge back as its own is refused, and so is a secret that
 * serves both directions: either would let it have us compute the response that it lacks.
 */
final class ChapExchange {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int MAX_CHALLENGE = 1024;

    /** Where the exchange is. */
    private enum State {
        ALGORITHM,
        RESPONSE,
        DONE
    }

    private final Authentication authentication;
    private final Credential expected;
    private State state = State.ALGORITHM;
    private @Nullable ChapAlgorithm algorithm;
    private byte[] challenge = {};
    private int identifier;

    ChapExchange(Authentication authentication, Credential expected) {
        this.authentication = authentication;
        this.expected = expected;
    }

    /** Whether the initiator has proven who it is. */
    boolean done() {
        return state == State.DONE;
    }

    /**
     * Answers the CHAP keys of one request.
     *
     * @throws LoginException AUTHENTICATION_FAILURE, without a word on what was wrong in the answer
     */
    List<Pair> answer(Map<TextKey, String> keys) throws LoginException {
        return switch (state) {
            case ALGORITHM -> algorithm(keys);
            case RESPONSE -> response(keys);
            case DONE -> throw failure("CHAP is over, and goes on");
        };
    }

    private List<Pair> algorithm(Map<TextKey, String> keys) throws LoginException {
        ChapAlgorithm chosen =
                ChapAlgorithm.choose(required(keys, TextKey.CHAP_A))
                        .orElseThrow(() -> failure("it knows no algorithm that we know"));
        algorithm = chosen;
        challenge = new byte[chosen.length()];
        RANDOM.nextBytes(challenge);
        identifier = RANDOM.nextInt(256);
        state = State.RESPONSE;
        return List.of(
                pair(TextKey.CHAP_A, Integer.toString(chosen.number())),
                pair(TextKey.CHAP_I, Integer.toString(identifier)),
                pair(TextKey.CHAP_C, NumericValue.hex(challenge)));
    }

    private List<Pair> response(Map<TextKey, String> keys) throws LoginException {
        ChapAlgorithm hash = algorithm;
        if (hash == null) {
            throw failure("no algorithm was agreed on");
        }
        String name = required(keys, TextKey.CHAP_N);
        byte[] response =
                NumericValue.bytes(required(keys, TextKey.CHAP_R))
                        .orElseThrow(() -> failure("CHAP_R is no binary value"));
        byte[] secret = secret(expected);
        byte[] right = hash.response(identifier, secret, challenge);
        boolean matches = MessageDigest.isEqual(right, response);
        if (!matches || !name.equals(expected.user())) {
            throw failure("the name or the secret is wrong");
        }
        state = State.DONE;
        return keys.containsKey(TextKey.CHAP_C) || keys.containsKey(TextKey.CHAP_I)
                ? prove(hash, keys, secret)
                : List.of();
    }

    private List<Pair> prove(ChapAlgorithm hash, Map<TextKey, String> keys, byte[] theirSecret)
            throws LoginException {
        Credential ours =
                authentication
                        .target()
                        .orElseThrow(() ->
                                failure(
                                        "it wants us to prove who we are, and no secret is"
                                                + " configured for that"));
        byte[] theirs =
                NumericValue.bytes(required(keys, TextKey.CHAP_C))
                        .orElseThrow(() -> failure("CHAP_C is no binary value"));
        long id = NumericValue.number(required(keys, TextKey.CHAP_I)).orElse(-1);
        if (id < 0 || id > 255 || theirs.length > MAX_CHALLENGE) {
            throw failure("CHAP_I or CHAP_C is out of range");
        }
        if (Arrays.equals(theirs, challenge)) {
            throw failure("it gives us our own challenge back");
        }
        byte[] secret = secret(ours);
        if (MessageDigest.isEqual(secret, theirSecret)) {
            throw failure("the secrets of both directions are the same: choose two");
        }
        return List.of(
                pair(TextKey.CHAP_N, ours.user()),
                pair(TextKey.CHAP_R, NumericValue.hex(hash.response((int) id, secret, theirs))));
    }

    private static byte[] secret(Credential credential) throws LoginException {
        byte[] secret;
        try {
            secret = credential.secret().get();
        } catch (ResourceException e) {
            throw new LoginException(LoginException.TARGET_ERROR, String.valueOf(e.getMessage()));
        }
        Optional<String> mistake = credential.mistake(secret.length);
        if (mistake.isPresent()) {
            throw new LoginException(LoginException.TARGET_ERROR, mistake.get());
        }
        return secret;
    }

    private static String required(Map<TextKey, String> keys, TextKey key) throws LoginException {
        String value = keys.get(key);
        if (value == null || value.isEmpty()) {
            throw failure("there is no " + key.text());
        }
        return value;
    }

    private static Pair pair(TextKey key, String value) {
        return new Pair(key.text(), value);
    }

    private static LoginException failure(String why) {
        return new LoginException(LoginException.AUTHENTICATION_FAILURE, why);
    }
}
