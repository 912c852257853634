package io.vireo.device.scsi;

/** Logical unit numbers (SAM-5, 4.7). */
final class Luns {
    /** No LUN of ours. */
    static final int UNKNOWN = -1;

    /** The REPORT LUNS well known logical unit (SPC-4, 8.2). */
    static final int REPORT_LUNS = -2;

    /** LUNs are below this: what flat space addressing holds. */
    static final int LIMIT = 1 << 14;

    private static final long WELL_KNOWN_REPORT_LUNS = 0xC101_0000_0000_0000L;
    private static final int PERIPHERAL_LIMIT = 256;
    private static final int FLAT = 0x4000;

    private Luns() {}

    /**
     * The number that eight bytes of LUN mean: single level, by peripheral or flat space
     * addressing.
     *
     * @return 0 to 16383, or {@link #UNKNOWN} or {@link #REPORT_LUNS}
     */
    static int decode(long lun) {
        if (lun == WELL_KNOWN_REPORT_LUNS) {
            return REPORT_LUNS;
        }
        if ((lun & 0xFFFF_FFFF_FFFFL) != 0) {
            return UNKNOWN;
        }
        int first = (int) (lun >>> 48);
        if (first < PERIPHERAL_LIMIT) {
            return first;
        }
        return (first & 0xC000) == FLAT ? first & (LIMIT - 1) : UNKNOWN;
    }

    /** The eight bytes that name a logical unit: what REPORT LUNS says. */
    static long encode(int number) {
        return (long) (number < PERIPHERAL_LIMIT ? number : FLAT | number) << 48;
    }
}
