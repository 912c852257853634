package io.vireo.device.scsi;

/** What is to be done when the I/O of a slot has ended well. */
@FunctionalInterface
interface Step {
    void next(Slot slot);
}
