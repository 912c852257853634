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
     * @throws io.vireo.resource.ResourceException UNAVAILABLE or PERMISSION_DENIED if the host
     *     refuses
     */
    Endpoint present(C device, EndpointSpec spec);
}
