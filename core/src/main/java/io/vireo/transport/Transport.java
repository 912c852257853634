package io.vireo.transport;

/**
 * A way to present a device to a server.
 *
 * @param <C> the contract that it presents
 */
public interface Transport<C> {
    /**
     * Begins to present a device.
     *
     * @throws java.io.UncheckedIOException if the host refuses, with a message that says what to do
     */
    Endpoint present(C device, EndpointSpec spec);
}
