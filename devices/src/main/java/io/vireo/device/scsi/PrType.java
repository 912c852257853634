package io.vireo.device.scsi;

import java.util.Optional;

/** Types of persistent reservations (SPC-4, 6.15.3.4). */
enum PrType {
    WRITE_EXCLUSIVE(1, false, false, false),
    EXCLUSIVE_ACCESS(3, true, false, false),
    WRITE_EXCLUSIVE_REGISTRANTS_ONLY(5, false, true, false),
    EXCLUSIVE_ACCESS_REGISTRANTS_ONLY(6, true, true, false),
    WRITE_EXCLUSIVE_ALL_REGISTRANTS(7, false, true, true),
    EXCLUSIVE_ACCESS_ALL_REGISTRANTS(8, true, true, true);

    private final int code;
    private final boolean keepsReadersOut;
    private final boolean letsRegistrantsIn;
    private final boolean allHold;

    PrType(int code, boolean keepsReadersOut, boolean letsRegistrantsIn, boolean allHold) {
        this.code = code;
        this.keepsReadersOut = keepsReadersOut;
        this.letsRegistrantsIn = letsRegistrantsIn;
        this.allHold = allHold;
    }

    static Optional<PrType> of(int code) {
        for (PrType type : values()) {
            if (type.code == code) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    int code() {
        return code;
    }

    /** Whether others than those whom it lets in may not read. */
    boolean keepsReadersOut() {
        return keepsReadersOut;
    }

    /** Whether all registrants may do what the holder may. */
    boolean letsRegistrantsIn() {
        return letsRegistrantsIn;
    }

    /** Whether every registrant is a holder. */
    boolean allHold() {
        return allHold;
    }
}
