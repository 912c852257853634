package io.vireo.block;

/**
 * Rates that the requests of one user keep to, and what is reserved for them, whatever devices they
 * are for and on whatever reactors. As for rates, each takes its place when it comes, and passes
 * when its time is there, so that the order is that in which they came and nobody is passed over.
 * Any thread.
 */
public interface BlockRates {
    /** Whether any rate is bounded: nobody has to ask otherwise. */
    boolean limited();

    /**
     * Requests of up to 16 KiB per second, in each pool, that its requests have whatever others do
     * there, as far as {@link BlockDevice#addUser} has promised them; 0: none.
     */
    long reservation();

    /**
     * Keeps to another policy from now on; who uses it is told.
     *
     * @throws IllegalArgumentException with a sentence, if a pool has no room for what that
     *     reserves: nothing has changed
     */
    void follow(BlockRatePolicy policy);

    /** Number of the settings in force. Places that were taken by others are to be taken anew. */
    int settings();

    /**
     * Takes the next place.
     *
     * @param bytes that the request moves
     * @param now {@link System#nanoTime}
     * @return when it may pass, not before {@code now}
     */
    long reserve(BlockOperation operation, long bytes, long now);

    /** The request that took a place did not come to it. */
    void giveBack(BlockOperation operation, long bytes);

    /** A request passes whatever the rates say; later ones pay for it, up to a second of them. */
    void takeUnasked(BlockOperation operation, long bytes, long now);

    /** The user is gone. */
    void close();
}
