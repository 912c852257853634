package io.vireo.virtqueue;

/** What a transport was told of a queue cannot be: the message says what, in one sentence. */
public final class VirtqueueException extends Exception {
    private static final long serialVersionUID = 1;

    public VirtqueueException(String message) {
        super(message);
    }
}
