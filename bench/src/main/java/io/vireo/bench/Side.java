package io.vireo.bench;

/**
 * One of the two systems under comparison. Only one side runs at a time: the other is stopped,
 * since both use the same cores.
 */
interface Side {
    String name();

    /** Lets the side run on. It has settled when this returns. */
    void resume();

    /** Stops the side, so that it takes no processor time. */
    void pause();

    /** Runs for about {@code seconds} and returns the rate seen, in the unit of the case. */
    double window(double seconds);
}
