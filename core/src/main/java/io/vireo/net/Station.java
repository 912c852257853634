package io.vireo.net;

import io.vireo.resource.MacAddress;

/**
 * A station that was seen behind a port of a {@link Network}.
 *
 * @param address that it sends from
 * @param tag VLAN identifier that its frames carry at the port; 0: they have no tag
 */
public record Station(MacAddress address, int tag) {}
