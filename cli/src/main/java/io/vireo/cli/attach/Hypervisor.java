package io.vireo.cli.attach;

/** Renders a guest's devices for one hypervisor. */
@FunctionalInterface
public interface Hypervisor {
    /**
     * The options, one for each line.
     *
     * @throws IllegalArgumentException with a sentence, if the hypervisor cannot take a device as
     *     it is declared
     */
    String render(Guest guest);
}
