package io.vireo.block;

/**
 * One reactor's way into a {@link BlockDevice}. All methods are called on the reactor that opened
 * it.
 *
 * <p>The channel validates nothing that the front end must: ranges are inside the device and
 * aligned to its logical block size, and {@code data().total()} equals {@code length()}. It
 * finishes short I/O, reads zeroes where a file ends early, splits what is too long for one system
 * call, and copies what is misaligned for O_DIRECT.
 */
public interface BlockChannel {
    /** How many requests may be submitted now. */
    int free();

    /**
     * How many requests of a user ({@link BlockRequest#user}) may be submitted now: what others
     * have submitted takes no room from one who has something reserved.
     */
    default int free(BlockRates user) {
        return free();
    }

    /**
     * Takes a request; only if {@link #free()}, or {@link #free(BlockRates)} of its user, is more
     * than 0. May complete it before returning.
     */
    void submit(BlockRequest request);

    /** Tries to cancel the request with this tag; it completes either way. */
    void cancel(int tag);

    /**
     * As {@link #cancel}, but only of what waits for room that there may never be: it ends soon,
     * CANCELLED. Nothing happens to any other, or if it is not here.
     */
    default void cancelHeld(int tag) {}

    /**
     * How far what begins at {@code offset} is alike: mapped, or not mapped, which is what reads as
     * zeroes and takes no room. Looks for a bounded time only; what is beyond may be alike, too.
     * Whoever does not know says that all is mapped.
     *
     * @param length at most so many bytes; more than 0, and inside the device
     * @return bytes: positive if they are mapped, negative if they are not
     */
    default long mapped(long offset, long length) {
        return length;
    }

    /**
     * Starts what was submitted and completes what is done.
     *
     * @return number of requests submitted to the host or completed
     */
    int poll();

    /** Number of requests that are submitted and not completed. */
    int inFlight();

    /**
     * Has {@code wake} run on this reactor when there is something to {@link #poll} after {@link
     * #arm} returned true. Set once, before the first request.
     */
    void onReady(Runnable wake);

    /**
     * Asks for a wake-up at the next completion.
     *
     * @return false if something can be polled now
     */
    boolean arm();

    /** Takes {@link #arm} back. */
    void disarm();

    /**
     * The front end stops and waits for its requests: none of them, nor any that comes after, is
     * held back any more for anybody's sake.
     */
    default void drain() {}

    /**
     * Whoever sent the request with this tag waits for it: it is not held back any more for
     * anybody's sake. Nothing happens if it is not here.
     */
    default void hurry(int tag) {}

    /**
     * Closes the channel when the last completion is in. No request is submitted after this call.
     */
    void close(Runnable onClosed);
}
