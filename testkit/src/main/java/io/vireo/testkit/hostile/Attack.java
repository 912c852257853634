package io.vireo.testkit.hostile;

/**
 * One hostile input.
 *
 * @param group of the catalogue in docs/threat-model.md
 * @param name what it does
 * @param body does it, and throws if the back end answers wrongly
 */
public record Attack(int group, String name, Body body) {
    /** The deed. */
    @FunctionalInterface
    public interface Body {
        void run(Target target) throws Exception;
    }

    @Override
    public String toString() {
        return group + ": " + name;
    }
}
