package io.vireo.net;

/**
 * Counters of a port in a {@link Network}, from the network's point of view: received is what came
 * out of the port.
 *
 * @param receivedFrames that came out of the port, dropped ones included
 * @param receivedBytes of these frames, from destination address to payload
 * @param transmittedFrames that the port took
 * @param transmittedBytes of these frames
 * @param droppedNoBuffer not sent because the port had no room, or the frame could not be put into
 *     the form that it takes
 * @param droppedVlan came with a VLAN that the port does not carry
 * @param droppedInvalid came with a source address that is no station's, or with a broken tag
 * @param droppedTooLong longer than the network or the port that it should leave by allows
 * @param droppedDown would have left by a port that was down
 * @param filtered came and is rightly not forwarded: addressed to the bridge itself, to a station
 *     at the same port, or from one uplink to another
 * @param flooded came and went to all because the destination was not known or is a group
 */
public record PortCounters(
        long receivedFrames,
        long receivedBytes,
        long transmittedFrames,
        long transmittedBytes,
        long droppedNoBuffer,
        long droppedVlan,
        long droppedInvalid,
        long droppedTooLong,
        long droppedDown,
        long filtered,
        long flooded) {}
