package io.vireo.device.scsi;

/** How a command gets along with reservations (SPC-4, 5.13.1 and SBC-3, 4.17). */
enum Access {
    /** No reservation is in its way. */
    ALWAYS,
    /** A persistent reservation is not in its way, RESERVE of another nexus is. */
    STATUS,
    /** It reads from the medium. */
    READ,
    /** It writes to the medium, or changes what others see. */
    WRITE,
    /** It looks at reservations by itself. */
    OWN
}
