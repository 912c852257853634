package io.vireo.fabric.storage.crypto;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import javax.crypto.BadPaddingException;
import javax.crypto.Cipher;
import javax.crypto.IllegalBlockSizeException;
import javax.crypto.spec.SecretKeySpec;

/**
 * The key of a pool, which wraps the data keys of its volumes (AES-256 key wrap, RFC 3394). Made of
 * a secret for one use, and closed after it.
 */
public final class MasterKey implements AutoCloseable {
    /** Bytes of a master key and of a data key. */
    static final int KEY_BYTES = 32;

    private static final SecureRandom RANDOM = new SecureRandom();

    private final byte[] key;

    private MasterKey(byte[] key) {
        this.key = key;
    }

    /**
     * Takes it from a secret, which is zeroed.
     *
     * @param name of the secret, for people
     * @param secret 64 hexadecimal digits
     * @throws ResourceException INVALID if it is something else
     */
    public static MasterKey parse(String name, byte[] secret) {
        try {
            if (secret.length == 2 * KEY_BYTES) {
                byte[] key = new byte[KEY_BYTES];
                for (int i = 0; i < KEY_BYTES; i++) {
                    key[i] =
                            (byte)
                                    (HexFormat.fromHexDigit(secret[2 * i] & 0xFF) << 4
                                            | HexFormat.fromHexDigit(secret[2 * i + 1] & 0xFF));
                }
                return new MasterKey(key);
            }
        } catch (NumberFormatException e) {
            // Told below, without a word of what it is.
        } finally {
            Arrays.fill(secret, (byte) 0);
        }
        throw new ResourceException(
                ErrorCode.INVALID,
                "the secret %s is no master key, which is 64 hexadecimal digits: openssl rand -hex 32"
                        .formatted(name));
    }

    /** Draws a data key, and wraps it. */
    public WrappedKey newDataKey() {
        byte[] fresh = new byte[KEY_BYTES];
        RANDOM.nextBytes(fresh);
        try {
            return wrap(fresh);
        } finally {
            Arrays.fill(fresh, (byte) 0);
        }
    }

    private WrappedKey wrap(byte[] dataKey) {
        try {
            return new WrappedKey(cipher(Cipher.ENCRYPT_MODE).doFinal(dataKey));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES key wrap failed", e);
        }
    }

    /** The data key, for whoever zeroes it; empty: another master key has wrapped it. */
    Optional<byte[]> unwrap(WrappedKey wrapped) {
        try {
            return Optional.of(cipher(Cipher.DECRYPT_MODE).doFinal(wrapped.bytes()));
        } catch (IllegalBlockSizeException | BadPaddingException e) {
            // What RFC 3394 calls the integrity check is not what it should be.
            return Optional.empty();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES key wrap failed", e);
        }
    }

    /** Whether it has wrapped a key. */
    public boolean opens(WrappedKey wrapped) {
        Optional<byte[]> found = unwrap(wrapped);
        found.ifPresent(data -> Arrays.fill(data, (byte) 0));
        return found.isPresent();
    }

    /** The same data key, wrapped by another master key; empty: this one has not wrapped it. */
    public Optional<WrappedKey> rewrap(WrappedKey wrapped, MasterKey by) {
        return unwrap(wrapped)
                .map(data -> {
                    try {
                        return by.wrap(data);
                    } finally {
                        Arrays.fill(data, (byte) 0);
                    }
                });
    }

    private Cipher cipher(int mode) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/KW/NoPadding");
        cipher.init(mode, new SecretKeySpec(key, "AES"));
        return cipher;
    }

    /** For tests against published vectors. */
    static MasterKey ofHex(String digits) {
        return parse("test", digits.getBytes(StandardCharsets.US_ASCII));
    }

    /** Zeroes it. */
    @Override
    public void close() {
        Arrays.fill(key, (byte) 0);
    }

    @Override
    public String toString() {
        return "a master key";
    }
}
