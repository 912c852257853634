package io.vireo.device.scsi;

import java.util.Optional;
import java.util.function.Consumer;

/** Something of one unit that survives restarts of the host and of the daemon. */
interface UnitRecord {
    /** What was saved last. Called once, by whoever makes the unit. */
    Optional<String> load();

    /**
     * Saves, durably; nothing is to be loaded any more where {@code value} is empty. {@code done}
     * is told on any thread whether it was saved.
     */
    void save(Optional<String> value, Consumer<Boolean> done);
}
