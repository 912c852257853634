package io.vireo.transport;

/**
 * A way to present a device to a server.
 *
 * @param <C> the contract that it presents
 */
public interface Transport<C> {
    /** Name, for example {@code vhost-user}. */
    String name();

    /** The contract that it presents. */
    Class<C> contract();

    /**
     * Begins to present a device.
     *
     * @throws java.io.UncheckedIOException if the host refuses, with a message that says what to do
     */
    Endpoint present(C device, EndpointSpec spec);
}
