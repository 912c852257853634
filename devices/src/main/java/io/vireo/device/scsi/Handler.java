package io.vireo.device.scsi;

/** Carries out one command; ends the slot, or starts I/O whose end does. */
@FunctionalInterface
interface Handler {
    void start(Slot slot);
}
