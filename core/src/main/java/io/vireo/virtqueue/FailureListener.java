package io.vireo.virtqueue;

/** Whom a queue tells that its driver broke a rule. */
@FunctionalInterface
public interface FailureListener {
    /**
     * The queue is broken: nothing is popped from it any more. Called once in the life of a queue,
     * on its reactor, in the middle of the device's turn: it must leave the queue as it is and act
     * later.
     *
     * @param cause one sentence for people, without secrets of the guest
     */
    void failed(Virtqueue queue, String cause);
}
