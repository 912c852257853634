package io.vireo.block;

/** A policy with a name whose rates others than vDisks can keep to; a contract. Any thread. */
public interface BlockRatePolicy {
    String name();

    /**
     * Rates for one more user, who has each of them once, by however many ways it is reached.
     *
     * @param user who that is, for messages
     * @param changed runs, on any thread, when other rates are in force
     */
    BlockRates open(String user, Runnable changed);
}
