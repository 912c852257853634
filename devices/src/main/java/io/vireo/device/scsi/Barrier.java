package io.vireo.device.scsi;

/** Runs something when a number of slots have ended. */
final class Barrier {
    private final Runnable then;
    private int left = 1;

    Barrier(Runnable then) {
        this.then = then;
    }

    /** One more to wait for. */
    void add(Slot slot) {
        left++;
        slot.addBarrier(this);
    }

    /** One has ended, or (once) the last one was added. */
    void passed() {
        if (--left == 0) {
            then.run();
        }
    }
}
