package io.vireo.device.virtio.net;

import io.vireo.reactor.Reactor;
import io.vireo.resource.MacAddress;
import java.util.OptionalInt;

/**
 * What a network device is made with.
 *
 * @param name for logs and metrics
 * @param mac its address
 * @param mtu that the driver is told, in bytes
 * @param queuePairs pairs of receiveq and transmitq, 1 to 64
 * @param reactor that owns its queues: the one of its network
 * @param speed of the link in Mbit/s that the driver is told; absent: it is not known
 */
public record VirtioNetConfig(
        String name, MacAddress mac, int mtu, int queuePairs, Reactor reactor, OptionalInt speed) {
    /** A card whose link has no known speed. */
    public VirtioNetConfig(String name, MacAddress mac, int mtu, int queuePairs, Reactor reactor) {
        this(name, mac, mtu, queuePairs, reactor, OptionalInt.empty());
    }
}
