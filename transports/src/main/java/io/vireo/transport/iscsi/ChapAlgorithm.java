package io.vireo.transport.iscsi;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;

/** Hash functions of CHAP, by the numbers that IANA gave them (RFC 1994; RFC 7143, 12.1.3). */
enum ChapAlgorithm {
    MD5(5, "MD5", 16),
    SHA1(6, "SHA-1", 20),
    SHA_256(7, "SHA-256", 32),
    SHA3_256(8, "SHA3-256", 32);

    private final int number;
    private final String digest;
    private final int length;

    ChapAlgorithm(int number, String digest, int length) {
        this.number = number;
        this.digest = digest;
        this.length = length;
    }

    int number() {
        return number;
    }

    /** Bytes of a response. */
    int length() {
        return length;
    }

    /** The first of an initiator's list that we know. */
    static Optional<ChapAlgorithm> choose(String list) {
        return Arrays.stream(list.split(",", -1))
                .map(NumericValue::number)
                .flatMapToLong(OptionalLong::stream)
                .boxed()
                .flatMap(number -> Arrays.stream(values()).filter(a -> a.number == number))
                .findFirst();
    }

    /** The response to a challenge (RFC 1994, 4.1). */
    byte[] response(int identifier, byte[] secret, byte[] challenge) {
        try {
            MessageDigest hash = MessageDigest.getInstance(digest);
            hash.update((byte) identifier);
            hash.update(secret);
            return hash.digest(challenge);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JDK lacks " + digest, e);
        }
    }
}
