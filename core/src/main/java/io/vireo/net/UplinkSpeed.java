package io.vireo.net;

/**
 * What an uplink says that it carries.
 *
 * @param bitsPerSecond of frames, preambles and gaps, as on a cable; 0 if it does not say
 */
public record UplinkSpeed(long bitsPerSecond) {}
