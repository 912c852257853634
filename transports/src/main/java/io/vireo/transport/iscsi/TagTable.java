package io.vireo.transport.iscsi;

import org.jspecify.annotations.Nullable;

/** Commands by their initiator task tags: open addressing, bounded, without allocation. */
final class TagTable {
    private final @Nullable IscsiTask[] slots;
    private final int mask;

    /**
     * @param most tasks that are in it at once
     */
    TagTable(int most) {
        slots = new IscsiTask[Integer.highestOneBit(most) * 4];
        mask = slots.length - 1;
    }

    private int home(int tag) {
        // Initiators count tags up, or make them of an index and an age.
        int hash = tag * 0x9E3779B9;
        return (hash ^ hash >>> 16) & mask;
    }

    /** The task of this tag, or null. */
    @Nullable IscsiTask find(int tag) {
        int at = home(tag);
        IscsiTask task = slots[at];
        while (task != null && task.tag != tag) {
            at = at + 1 & mask;
            task = slots[at];
        }
        return task;
    }

    /** Puts a task in, whose tag none of the others has. */
    void put(IscsiTask task) {
        int at = home(task.tag);
        while (slots[at] != null) {
            at = at + 1 & mask;
        }
        slots[at] = task;
    }

    /** Takes a task out. */
    void remove(IscsiTask task) {
        int at = home(task.tag);
        while (slots[at] != task) {
            if (slots[at] == null) {
                return;
            }
            at = at + 1 & mask;
        }
        slots[at] = null;
        // What was put behind it because its place was taken moves up.
        int next = at + 1 & mask;
        IscsiTask moved = slots[next];
        while (moved != null) {
            slots[next] = null;
            put(moved);
            next = next + 1 & mask;
            moved = slots[next];
        }
    }
}
