package io.vireo.fabric.storage.crypto;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnCipher;
import io.vireo.memory.ScatterGatherList;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Optional;
import javax.crypto.KDF;
import javax.crypto.spec.HKDFParameterSpec;

/**
 * Enciphers and deciphers the data of a volume, in memory of our own. A data unit is a logical
 * block of the volume, so that whatever a client writes is whole units; its tweak is the number of
 * the block. Volumes that share chunks, as a snapshot and its volume do, have them at the same
 * places and have the same key.
 *
 * <p>A sector of 512 bytes that is all zeroes on disk is one that was never written, or was zeroed:
 * it reads as zeroes. (That what was written becomes such a sector has a probability of one in
 * 2^4096.) So nothing has to be written to zero a range, and a torn write of a larger block leaves
 * old and new sectors, and nothing else.
 *
 * <p>One thread at a time; allocates nothing.
 */
public final class VolumeCipher implements AutoCloseable {
    private static final int SECTOR = 512;
    private static final byte[] PURPOSE =
            "vireo volume aes-256-xts".getBytes(StandardCharsets.US_ASCII);

    private final OwnCipher cipher;
    private final int unit;

    private VolumeCipher(OwnCipher cipher, int unit) {
        this.cipher = cipher;
        this.unit = unit;
    }

    /**
     * Makes the cipher of a volume.
     *
     * @param logicalBlock bytes of a data unit, 512 or 4096
     * @return empty: another master key has wrapped its key
     * @throws ResourceException UNSUPPORTED if the host cannot do AES-256-XTS
     */
    public static Optional<VolumeCipher> of(MasterKey key, WrappedKey wrapped, int logicalBlock) {
        checkHost();
        return key.unwrap(wrapped)
                .map(data -> {
                    byte[] both = expand(data);
                    try {
                        return new VolumeCipher(OwnCipher.of(both), logicalBlock);
                    } finally {
                        Arrays.fill(data, (byte) 0);
                        Arrays.fill(both, (byte) 0);
                    }
                });
    }

    /**
     * Refuses a host that cannot do it.
     *
     * @throws ResourceException UNSUPPORTED
     */
    public static void checkHost() {
        if (!OwnCipher.isAvailable()) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    "encryption needs libcrypto.so.3 of OpenSSL, which this host has not: install libssl3");
        }
    }

    /** The keys of data and tweak, by HKDF with SHA-512 (RFC 5869). */
    static byte[] expand(byte[] dataKey) {
        try {
            return KDF.getInstance("HKDF-SHA512")
                    .deriveData(
                            HKDFParameterSpec.ofExtract()
                                    .addIKM(dataKey)
                                    .thenExpand(PURPOSE, OwnCipher.KEY_BYTES));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("HKDF failed", e);
        }
    }

    /**
     * Enciphers in place.
     *
     * @param data ranges of our own memory, each of whole logical blocks
     * @param offset byte of the volume where they begin
     */
    public void encrypt(ScatterGatherList data, long offset) {
        long at = offset;
        for (int i = 0; i < data.count(); i++) {
            cipher.encrypt(data.address(i), data.length(i), unit, at / unit);
            at += data.length(i);
        }
    }

    /** Deciphers in place what was read; the same arguments. */
    public void decrypt(ScatterGatherList data, long offset) {
        long number = offset / unit;
        for (int i = 0; i < data.count(); i++) {
            long end = data.address(i) + data.length(i);
            for (long at = data.address(i); at < end; at += unit) {
                decryptUnit(at, number++);
            }
        }
    }

    private void decryptUnit(long at, long number) {
        int zeroes = 0;
        int sectors = unit / SECTOR;
        for (int i = 0; i < sectors; i++) {
            zeroes |= isZero(at + (long) i * SECTOR) ? 1 << i : 0;
        }
        if (zeroes == (1 << sectors) - 1) {
            return;
        }
        cipher.decrypt(at, unit, unit, number);
        for (int i = 0; zeroes >>> i != 0; i++) {
            if ((zeroes >>> i & 1) != 0) {
                NativeMemory.fill(at + (long) i * SECTOR, SECTOR, (byte) 0);
            }
        }
    }

    private static boolean isZero(long sector) {
        for (int i = 0; i < SECTOR; i += Long.BYTES) {
            if (NativeMemory.getLong(sector + i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Zeroes the keys. */
    @Override
    public void close() {
        cipher.close();
    }
}
