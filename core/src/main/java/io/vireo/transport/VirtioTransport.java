package io.vireo.transport;

import io.vireo.device.VirtioDevice;

/**
 * The transport that virtio devices are presented by: the service that device kinds ask the host
 * for.
 */
public interface VirtioTransport extends Transport<VirtioDevice> {}
