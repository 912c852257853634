package io.vireo.fabric.storage.mirror;

import java.util.Arrays;
import java.util.BitSet;

/** The regions of a mirror: what is under way in them, and in which legs may differ. */
final class Regions {
    /** Its bit is durable on all live legs. */
    static final byte DURABLE = 1;

    /** Its bit is set, or on its way. */
    static final byte BIT = 2;

    /** Legs that are in sync may differ in it. */
    static final byte UNEQUAL = 4;

    /** Legs that are not in sync have not all of it. */
    static final byte LACKING = 8;

    /** It is copied: no change may begin. */
    static final byte LOCKED = 16;

    private final int shift;
    private int[] inFlight;
    private byte[] flags;
    private int[] wroteAt;
    private int bits;
    private int unequal;
    private int todo;

    Regions(int shift, int count) {
        this.shift = shift;
        inFlight = new int[count];
        flags = new byte[count];
        wroteAt = new int[count];
    }

    int count() {
        return flags.length;
    }

    /** The legs have become larger. */
    void grow(int count) {
        if (count > flags.length) {
            inFlight = Arrays.copyOf(inFlight, count);
            flags = Arrays.copyOf(flags, count);
            wroteAt = Arrays.copyOf(wroteAt, count);
        }
    }

    int of(long offset) {
        return (int) (offset >>> shift);
    }

    long start(int region) {
        return (long) region << shift;
    }

    long bytes() {
        return 1L << shift;
    }

    /** Regions with a bit. */
    int bits() {
        return bits;
    }

    int unequal() {
        return unequal;
    }

    int todo() {
        return todo;
    }

    boolean has(int region, byte flag) {
        return (flags[region] & flag) != 0;
    }

    boolean all(int first, int last, byte flag) {
        for (int i = first; i <= last; i++) {
            if ((flags[i] & flag) == 0) {
                return false;
            }
        }
        return true;
    }

    boolean any(int first, int last, byte flag) {
        for (int i = first; i <= last; i++) {
            if ((flags[i] & flag) != 0) {
                return true;
            }
        }
        return false;
    }

    void set(int region, byte flag) {
        if (!has(region, flag)) {
            flags[region] |= flag;
            count(flag, 1);
        }
    }

    void setRange(int first, int last, byte flag) {
        for (int i = first; i <= last; i++) {
            set(i, flag);
        }
    }

    void clear(int region, byte flag) {
        if (has(region, flag)) {
            flags[region] &= (byte) ~flag;
            count(flag, -1);
        }
    }

    private void count(byte flag, int change) {
        if (flag == BIT) {
            bits += change;
        } else if (flag == UNEQUAL) {
            unequal += change;
        } else if (flag == LACKING) {
            todo += change;
        }
    }

    void clearAll(byte flag) {
        for (int i = 0; i < flags.length; i++) {
            clear(i, flag);
        }
    }

    /** Sets a flag of all regions, or of those with a bit. */
    void setAll(boolean whole, byte flag) {
        for (int i = 0; i < flags.length; i++) {
            if (whole || has(i, BIT)) {
                set(i, flag);
            }
        }
    }

    /** Sets a flag of each region that a set has. */
    void setAll(BitSet from, byte flag) {
        from.stream().filter(i -> i < flags.length).forEach(i -> set(i, flag));
    }

    void enter(int first, int last) {
        for (int i = first; i <= last; i++) {
            inFlight[i]++;
        }
    }

    /** A change has ended while flush {@code number} was the newest. */
    void leave(int first, int last, int number) {
        for (int i = first; i <= last; i++) {
            inFlight[i]--;
            wroteAt[i] = number;
        }
    }

    /** Something of the region was copied while flush {@code number} was the newest. */
    void copied(int region, int number) {
        wroteAt[region] = number;
    }

    boolean isIdle(int region) {
        return inFlight[region] == 0;
    }

    boolean isIdle(int first, int last) {
        for (int i = first; i <= last; i++) {
            if (inFlight[i] != 0) {
                return false;
            }
        }
        return true;
    }

    /** The newest flush when the last change of the region ended. */
    int wroteAt(int region) {
        return wroteAt[region];
    }

    /** The first region from {@code from} on that has a flag; -1: none. */
    int next(int from, byte flag) {
        for (int i = from; i < flags.length; i++) {
            if ((flags[i] & flag) != 0) {
                return i;
            }
        }
        return -1;
    }
}
