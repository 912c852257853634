package io.vireo.reactor;

/** Told that a file descriptor is ready. */
@FunctionalInterface
public interface FdHandler {
    /**
     * Called on the reactor's thread.
     *
     * @param events bits of {@code EPOLLIN} and the like, see {@link io.vireo.linux.Epoll}
     */
    void ready(int events);
}
