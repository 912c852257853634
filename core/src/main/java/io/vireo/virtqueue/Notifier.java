package io.vireo.virtqueue;

/** How the driver is told that buffers were used: a transport's eventfd, for example. */
@FunctionalInterface
public interface Notifier {
    /** Sends one used buffer notification. Must not block and must not throw. */
    void notifyDriver();
}
