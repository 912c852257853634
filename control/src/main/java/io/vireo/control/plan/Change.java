package io.vireo.control.plan;

import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * One field of a resource, of its spec unless it says otherwise, that becomes another one.
 *
 * @param field where it is, for people: {@code vnics[eth0].mtu}
 * @param before empty if it was not there
 * @param after empty if it will not be there
 */
public record Change(String field, Optional<JsonNode> before, Optional<JsonNode> after) {}
