package io.vireo.net;

/**
 * An IP address that a {@link Station} has.
 *
 * @param v6 whether it is IPv6
 * @param high the first 64 bits of an IPv6 address, 0 for IPv4
 * @param low the last 64 bits of an IPv6 address, or the 32 of IPv4
 * @param router whether the station said there that it is a router (RFC 4861, 4.4); whoever says
 *     otherwise in its name ends its being one for its neighbors
 */
public record StationAddress(boolean v6, long high, long low, boolean router) {}
