package io.vireo.resource;

import java.util.List;

/**
 * Something that a running resource is told to do once, and that is no part of what is declared:
 * for example that its sessions be logged out. A kind offers it; the REST interface has it below
 * the resource, as a POST.
 *
 * @param name last part of its path
 * @param summary one sentence for the documentation
 * @param parameters that it takes
 */
public record Operation(String name, String summary, List<Parameter> parameters) {
    public Operation {
        parameters = List.copyOf(parameters);
    }
}
