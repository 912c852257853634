package io.vireo.net;

/**
 * Counters of a port in a {@link Network}, from the network's point of view: received is what came
 * out of the port.
 *
 * @param droppedNoBuffer not sent because the port had no room
 * @param droppedVlan came with a VLAN that the port does not carry
 * @param droppedInvalid runt, too long, or a source address that is no station's
 * @param droppedDown sent to a port that was down
 * @param flooded sent to all because the destination was not known or is a group
 */
public record PortCounters(
        long receivedFrames,
        long receivedBytes,
        long transmittedFrames,
        long transmittedBytes,
        long droppedNoBuffer,
        long droppedVlan,
        long droppedInvalid,
        long droppedDown,
        long flooded) {}
