package io.vireo.resource;

/**
 * Names one resource.
 *
 * @param kind the kind, for example {@code Network}
 * @param name the name of the resource
 */
public record Reference(String kind, String name) implements Comparable<Reference> {
    @Override
    public int compareTo(Reference other) {
        int byKind = kind.compareTo(other.kind);
        return byKind != 0 ? byKind : name.compareTo(other.name);
    }

    @Override
    public String toString() {
        return kind + "/" + name;
    }
}
