package io.vireo.device.virtio.net;

import io.vireo.reactor.Reactor;
import io.vireo.resource.MacAddress;

/**
 * What a network device is made with.
 *
 * @param name for logs and metrics
 * @param mac its address
 * @param mtu that the driver is told, in bytes
 * @param queuePairs pairs of receiveq and transmitq, 1 to 64
 * @param reactor that owns its queues: the one of its network
 */
public record VirtioNetConfig(
        String name, MacAddress mac, int mtu, int queuePairs, Reactor reactor) {}
