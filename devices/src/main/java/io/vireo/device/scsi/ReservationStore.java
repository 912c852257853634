package io.vireo.device.scsi;

import java.util.Optional;
import java.util.function.Consumer;

/** Where the persistent reservations of one unit survive (APTPL, SPC-4, 5.13.6). */
interface ReservationStore {
    /** What was saved last. Called once, by whoever makes the unit. */
    Optional<String> load();

    /**
     * Saves, durably; nothing is to be loaded any more where {@code value} is empty. {@code done}
     * is told on any thread whether it was saved.
     */
    void save(Optional<String> value, Consumer<Boolean> done);
}
