package io.vireo.net;

import io.vireo.resource.MacAddress;

/**
 * Who this host is to what it is connected to, as LLDP tells it.
 *
 * @param chassis tells it from all others, and stays the same
 * @param name its host name
 * @param description the daemon and the operating system, with their versions
 */
public record HostIdentity(MacAddress chassis, String name, String description) {}
