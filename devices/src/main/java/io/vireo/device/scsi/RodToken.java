package io.vireo.device.scsi;

import io.vireo.scsi.ScsiInitiator;
import java.security.MessageDigest;
import java.security.SecureRandom;

/**
 * A token that represents data of a unit as it was when the token was made (SPC-4, 5.17.6): a point
 * in time copy that is change vulnerable, which is good until the data changes. Who has it can read
 * that data, so that nobody can guess it. Of the unit's reactor.
 */
final class RodToken {
    /** Bytes of a token. */
    static final int LENGTH = 512;

    /** Point in time copy, change vulnerable (SPC-4, table 109). */
    static final long CHANGE_VULNERABLE = 0x0080_0001L;

    /** Block device zero (SBC-3, 4.26.4). */
    static final long ZERO = 0xFFFF_0001L;

    private static final int CREATOR = 16;
    private static final int IDENTIFICATION = 0xE4;
    private static final int BYTES_REPRESENTED = 56;
    private static final int SECRET = 128;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final byte[] bytes;

    /** Offsets and ends in bytes, one after the other. */
    private final long[] ranges;

    private final ScsiInitiator maker;
    private final long inactivityNanos;
    private long lastUse;
    private int problem = Sense.NONE;

    /**
     * A token that is good.
     *
     * @param maker who asked for it
     */
    RodToken(
            UnitIdentity creator,
            ScsiInitiator maker,
            long[] ranges,
            long inactivityNanos,
            long now) {
        this.maker = maker;
        this.ranges = ranges.clone();
        this.inactivityNanos = inactivityNanos;
        lastUse = now;
        bytes = new byte[LENGTH];
        byte[] secret = new byte[LENGTH - SECRET];
        RANDOM.nextBytes(secret);
        System.arraycopy(secret, 0, bytes, SECRET, secret.length);
        Bytes.put32(bytes, 0, CHANGE_VULNERABLE);
        Bytes.put16(bytes, 6, LENGTH - 8);
        Bytes.put64(bytes, 8, RANDOM.nextLong());
        bytes[CREATOR] = (byte) IDENTIFICATION;
        bytes[CREATOR + 4] = 1;
        bytes[CREATOR + 5] = 3;
        bytes[CREATOR + 7] = 8;
        Bytes.put64(bytes, CREATOR + 8, creator.naa());
        Bytes.put64(bytes, BYTES_REPRESENTED, length());
    }

    /** The token. */
    byte[] bytes() {
        return bytes.clone();
    }

    /** The NAA identifier of the unit that a token says to come from. */
    static long creator(byte[] token) {
        return Bytes.u64(token, CREATOR + 8);
    }

    /** Whether it is this one; takes as long for every other. */
    boolean is(byte[] presented) {
        return MessageDigest.isEqual(bytes, presented);
    }

    /** Whether this initiator port asked for it. */
    boolean isBy(ScsiInitiator initiator) {
        return maker.equals(initiator);
    }

    /** Offsets and ends of its data in bytes of the unit, one after the other. */
    long[] ranges() {
        return ranges.clone();
    }

    /** Bytes that it represents. */
    long length() {
        long sum = 0;
        for (int i = 0; i < ranges.length; i += 2) {
            sum += ranges[i + 1] - ranges[i];
        }
        return sum;
    }

    /** Why it is not good any more; {@link Sense#NONE}: it is. */
    int problem() {
        return problem;
    }

    /** It is not good any more. */
    void invalid(int why) {
        if (problem == Sense.NONE) {
            problem = why;
        }
    }

    /** It is used now; it may have expired. */
    void used(long now) {
        if (now - lastUse > inactivityNanos) {
            invalid(Sense.TOKEN_EXPIRED);
        }
        if (problem == Sense.NONE) {
            lastUse = now;
        }
    }

    /**
     * When it is to be forgotten unless it is used: it is remembered for as long again as it was
     * good without use, to tell its holder why it is not any more.
     */
    long forgottenAt() {
        return lastUse + 2 * inactivityNanos;
    }

    /** These bytes of the unit change. */
    void changed(long offset, long length) {
        for (int i = 0; i < ranges.length; i += 2) {
            if (offset < ranges[i + 1] && offset + length > ranges[i]) {
                invalid(Sense.TOKEN_REVOKED);
            }
        }
    }
}
