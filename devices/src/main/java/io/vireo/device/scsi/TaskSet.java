package io.vireo.device.scsi;

import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The tasks of a logical unit (SAM-5, 8): which may run beside which, and what becomes of those
 * that are aborted. Of the unit's reactor.
 */
final class TaskSet {
    /**
     * HEAD OF QUEUE tasks that pass tasks of other nexuses which wait. As long as they come one
     * after the other nothing that is ORDERED, or is to run alone, would ever begin, nor what is
     * behind it (SAM-5, 8); one more ends with BUSY until one that waits has begun.
     */
    static final int MAX_PASSES = 128;

    private final LogicalUnit unit;
    private final Slot[] slots = new Slot[LogicalUnit.MAX_TASKS];
    private final int[] free = new int[LogicalUnit.MAX_TASKS];
    private int freeCount;
    private int slotsMade;

    /** Dormant tasks, in order; nothing passes them but HEAD OF QUEUE. */
    private final ArrayDeque<Slot> waiting = new ArrayDeque<>();

    /** How many HEAD OF QUEUE tasks have passed what waits since one of those began. */
    private int passes;

    private int running;

    /** Of those that run, those that keep nothing from running alone. */
    private int inBackground;

    private @Nullable Slot barrier;

    TaskSet(LogicalUnit unit) {
        this.unit = unit;
    }

    /** A slot for a new task; nothing: the task set is full. */
    @Nullable Slot take() {
        if (freeCount == 0) {
            if (slotsMade == LogicalUnit.MAX_TASKS) {
                return null;
            }
            slots[slotsMade] = new Slot(unit, slotsMade);
            free[freeCount++] = slotsMade++;
        }
        return slots[free[--freeCount]];
    }

    /** Tasks that are in it. */
    int count() {
        return slotsMade - freeCount;
    }

    /**
     * Takes a task into the task set, which starts at once if nothing is before it.
     *
     * @return false: it is not taken, since too many passed tasks of others that wait
     */
    boolean admit(Slot slot) {
        if (slot.task().attribute() == TaskAttribute.HEAD_OF_QUEUE) {
            if (!waiting.isEmpty() && !slot.isInternal()) {
                if (passes == MAX_PASSES && delaysOthers(slot)) {
                    return false;
                }
                passes = Math.min(passes + 1, MAX_PASSES);
            }
            if (canPass(slot)) {
                start(slot);
            } else {
                slot.state = Slot.State.WAITING;
                waiting.addFirst(slot);
            }
        } else if (waiting.isEmpty() && canStart(slot)) {
            start(slot);
        } else {
            if (waiting.isEmpty()) {
                passes = 0;
            }
            slot.state = Slot.State.WAITING;
            waiting.addLast(slot);
        }
        admitWaiting();
        return true;
    }

    private boolean delaysOthers(Slot slot) {
        for (Slot other : waiting) {
            if (other.nexus() != slot.nexus()) {
                return true;
            }
        }
        return false;
    }

    /** Starts what has waited for others to end. */
    void admitWaiting() {
        while (!waiting.isEmpty() && canStart(waiting.element())) {
            Slot next = waiting.remove();
            if (next.task().attribute() != TaskAttribute.HEAD_OF_QUEUE) {
                passes = 0;
            }
            start(next);
        }
    }

    private boolean canStart(Slot slot) {
        if (slot.task().attribute() == TaskAttribute.ORDERED) {
            return running == 0;
        }
        return exclusive(slot) ? running == inBackground && barrier == null : barrier == null;
    }

    /** HEAD OF QUEUE passes what waits, and what is ORDERED, but not what is to run alone. */
    private boolean canPass(Slot slot) {
        Slot before = barrier;
        return exclusive(slot) ? running == inBackground : before == null || !exclusive(before);
    }

    private static boolean isBarrier(Slot slot) {
        return slot.task().attribute() == TaskAttribute.ORDERED || exclusive(slot);
    }

    private static boolean exclusive(Slot slot) {
        Command command = slot.command();
        return command != null && command.has(Command.EXCLUSIVE);
    }

    private void start(Slot slot) {
        slot.state = Slot.State.RUNNING;
        running++;
        if (isBarrier(slot)) {
            barrier = slot;
        }
        unit.start(slot);
    }

    /** Whether tasks are dormant. */
    boolean waits() {
        return !waiting.isEmpty();
    }

    /** Whether a dormant task could start now. */
    boolean canAdmit() {
        return !waiting.isEmpty() && canStart(waiting.element());
    }

    /** The task of a slot has ended: clears the slot for the next one. */
    void release(Slot slot) {
        if (slot.state == Slot.State.RUNNING) {
            running--;
            if (slot.background) {
                inBackground--;
            }
            if (barrier == slot) {
                barrier = null;
            }
        }
        slot.nexus().tasks--;
        slot.clear();
        free[freeCount++] = slot.request.tag();
    }

    /**
     * The task of a slot, which runs, goes on in the background: it does not keep others from
     * starting.
     */
    void background(Slot slot) {
        slot.background = true;
        inBackground++;
        if (barrier == slot) {
            barrier = null;
        }
    }

    /** The slot of a task of a nexus, if it is in the task set. */
    @Nullable Slot find(UnitNexus nexus, long tag) {
        for (int i = 0; i < slotsMade; i++) {
            Slot slot = slots[i];
            if (slot.state != Slot.State.FREE
                    && slot.nexus() == nexus
                    && slot.task().tag() == tag
                    && !slot.isInternal()
                    && slot.abort == null) {
                return slot;
            }
        }
        return null;
    }

    /** Whether a nexus has a task in the task set that its initiator knows of. */
    boolean hasTasks(UnitNexus nexus) {
        for (int i = 0; i < slotsMade; i++) {
            Slot slot = slots[i];
            if (slot.state != Slot.State.FREE && slot.nexus() == nexus && !slot.isInternal()) {
                return true;
            }
        }
        return false;
    }

    /** Does something to all tasks of a nexus; they may end by it. */
    void forEach(UnitNexus nexus, Consumer<Slot> action) {
        for (int i = 0; i < slotsMade; i++) {
            if (slots[i].state != Slot.State.FREE && slots[i].nexus() == nexus) {
                action.accept(slots[i]);
            }
        }
    }

    /** Aborts all tasks of a nexus that is gone, and what went on behind them. */
    void abortGone(UnitNexus nexus, Barrier all) {
        forEach(nexus, slot -> abort(slot, ScsiTask.Outcome.ABORTED, false, all));
    }

    /** Aborts all tasks of a nexus, at this unit alone. */
    void abort(UnitNexus nexus, Barrier all) {
        abort(nexus, slot -> !slot.endsElsewhere(), all);
    }

    /** Aborts all tasks of a nexus, whose tasks at other units are aborted, too. */
    void abortEverywhere(UnitNexus nexus, Barrier all) {
        abort(nexus, slot -> !slot.goesOn(), all);
    }

    private void abort(UnitNexus nexus, Predicate<Slot> which, Barrier all) {
        forEach(
                nexus,
                slot -> {
                    if (which.test(slot)) {
                        abort(slot, ScsiTask.Outcome.ABORTED, false, all);
                    }
                });
    }

    /**
     * Ends all tasks of a nexus that sees the unit no more, or as something else, and goes on: its
     * initiator waits for an answer to each, and no function that it asked for stands for one.
     *
     * @param sense of the answers
     */
    void remove(UnitNexus nexus, int sense, Barrier all) {
        forEach(
                nexus,
                slot -> {
                    if (slot.abort == null && !slot.isInternal()) {
                        slot.abortSense = sense;
                    }
                    abort(slot, ScsiTask.Outcome.ABORTED, false, all);
                });
    }

    /**
     * Aborts all tasks of all nexuses, on behalf of one: those of others end with TASK ABORTED
     * where the mode page says so. A reset also ends what is part of a copy that another unit was
     * asked for, or that goes on behind a task that has ended.
     */
    void abortAll(UnitNexus cause, ScsiTask.Outcome how, Barrier all) {
        for (int i = 0; i < slotsMade; i++) {
            Slot slot = slots[i];
            if (slot.state != Slot.State.FREE
                    && (how == ScsiTask.Outcome.RESET || !slot.endsElsewhere())) {
                abort(slot, how, slot.nexus() != cause && unit.modes().taskAbortedStatus(), all);
            }
        }
    }

    /** Aborts all tasks of a nexus on behalf of another one. */
    void abortOthers(UnitNexus nexus, Barrier all) {
        boolean withStatus = unit.modes().taskAbortedStatus();
        forEach(nexus, slot -> abort(slot, ScsiTask.Outcome.ABORTED, withStatus, all));
    }

    /** Aborts a task, which is in the task set; {@code all} learns of its end. */
    void abort(Slot slot, ScsiTask.Outcome how, boolean withStatus, Barrier all) {
        all.add(slot);
        if (slot.abort != null) {
            return;
        }
        slot.abort = how;
        slot.abortWithStatus = withStatus;
        if (slot.state == Slot.State.WAITING) {
            waiting.remove(slot);
            unit.ended(slot);
        } else if (slot.queued) {
            unit.io().withdraw(slot);
            unit.ended(slot);
        } else if (slot.onAbort != null) {
            slot.onAbort.run();
            unit.ended(slot);
        } else if (slot.busy) {
            unit.io().cancel(slot);
        }
        // Else it is at work in this very turn, or waits for what is made durable, and ends soon.
    }

    /** A transport would have a task back, as {@link io.vireo.scsi.ScsiNexus#takeBack} says. */
    void takeBack(ScsiTask task) {
        for (int i = 0; i < slotsMade; i++) {
            Slot slot = slots[i];
            if (slot.state != Slot.State.FREE && slot.task() == task) {
                if (slot.abort == null) {
                    takeBack(slot);
                }
                return;
            }
        }
    }

    private void takeBack(Slot slot) {
        if (slot.state == Slot.State.WAITING) {
            waiting.remove(slot);
            endTakenBack(slot);
            return;
        }
        Command command = slot.command();
        if (command == null || !command.has(Command.REPEATABLE)) {
            return;
        }
        if (slot.onAbort != null) {
            slot.onAbort.run();
            endTakenBack(slot);
        } else if (!slot.busy) {
            return;
        } else if (slot.queued) {
            unit.io().withdraw(slot);
            endTakenBack(slot);
        } else {
            slot.wantedBack = true;
            unit.io().cancelHeld(slot);
        }
    }

    private void endTakenBack(Slot slot) {
        slot.abort = ScsiTask.Outcome.TAKEN_BACK;
        unit.ended(slot);
    }
}
