package io.vireo.transport.iscsi;

import java.util.Optional;
import java.util.function.Supplier;

/**
 * A name and its secret, which is fetched for each use and kept nowhere.
 *
 * @param user CHAP name
 * @param place what messages call the secret
 * @param secret gives the secret's bytes; throws {@link io.vireo.resource.ResourceException} if it
 *     cannot
 */
record Credential(String user, String place, Supplier<byte[]> secret) {
    /** 96 bits, below which RFC 7143, 12.1.3 wants a secret refused; longest of Windows and us. */
    private static final int MIN_LENGTH = 12;

    private static final int MAX_LENGTH = 255;

    /** Why a secret of this many bytes cannot be used; empty: it can. */
    Optional<String> mistake(int length) {
        return length >= MIN_LENGTH && length <= MAX_LENGTH
                ? Optional.empty()
                : Optional.of(
                        place
                                + ", of the CHAP user "
                                + user
                                + ", has "
                                + length
                                + " bytes; CHAP needs "
                                + MIN_LENGTH
                                + " to "
                                + MAX_LENGTH);
    }

    /** The name only. */
    @Override
    public String toString() {
        return user;
    }
}
