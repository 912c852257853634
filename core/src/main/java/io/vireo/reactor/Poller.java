package io.vireo.reactor;

/**
 * Something that a {@link Reactor} runs to completion, turn by turn. All methods are called on the
 * reactor's thread.
 *
 * <p>A poller is <em>active</em> (polled every turn) or <em>parked</em> (not polled until its
 * {@link Registration} is woken). The reactor parks a poller that found no work for a while, after
 * {@link #arm} agreed.
 */
public interface Poller {
    /**
     * Does a bounded amount of work and never blocks.
     *
     * @return how much work was done; 0 if there was none
     */
    int poll();

    /** Who it is, for logs and metrics. */
    String name();

    /**
     * Asks the sources of this poller for a wake-up at the next piece of work, with the fences that
     * make sure none is lost.
     *
     * @return false if work arrived meanwhile: the poller stays active and {@link #disarm} is not
     *     called
     */
    default boolean arm() {
        return true;
    }

    /**
     * Takes {@link #arm} back: the poller is active again. Before its next {@link #poll}, and not
     * within {@link Registration#wake}: whoever wakes it has nothing to do with its memory.
     */
    default void disarm() {}
}
