package io.vireo.device.scsi;

import io.vireo.scsi.ScsiTask;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A task on its way from the reactor of a nexus to that of a logical unit and back: the message in
 * both mailboxes. Used again and again; who has it at the time works on it.
 */
final class Crossing implements Carrier, Runnable {
    private final Nexus nexus;
    private @Nullable ScsiTask task;
    private @Nullable UnitNexus at;
    private boolean back;

    Crossing(Nexus nexus) {
        this.nexus = nexus;
    }

    /** Sends a task over. */
    void send(ScsiTask newTask, UnitNexus newTo) {
        task = newTask;
        at = newTo;
        back = false;
        newTo.unit.owner().execute(this);
    }

    @Override
    public boolean isInternal() {
        return false;
    }

    @Override
    public void sendBack() {
        back = true;
        nexus.reactor().execute(this);
    }

    @Override
    public void run() {
        ScsiTask carried = Objects.requireNonNull(task);
        UnitNexus unit = Objects.requireNonNull(at);
        if (back) {
            task = null;
            at = null;
            nexus.returned(this, carried, unit);
        } else {
            unit.unit.submit(carried, unit, this);
        }
    }
}
