package io.vireo.adapter.file;

import io.vireo.reactor.Reactor;

/** Where channels get the {@link HostIo} of their reactor from. */
@FunctionalInterface
public interface HostIoSource {
    /**
     * The engine of this reactor, one use more. Called on it.
     *
     * @throws java.io.UncheckedIOException if the host refuses
     */
    HostIo acquire(Reactor reactor);
}
