package io.vireo.resource;

/**
 * Secrets that resources refer to by name; a service of the host. What a resource says of a secret
 * is its name only, so that no API, log or store ever holds it.
 */
public interface Secrets {
    /** What a name of a secret looks like: it is that of a file, too. */
    String NAME = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}";

    /**
     * Fetches a secret. Whoever asked forgets it as soon as it is used.
     *
     * @throws ResourceException UNAVAILABLE if there is none of this name, PERMISSION_DENIED if
     *     others can read it
     */
    byte[] secret(String name);

    /** What messages call a secret, so that whoever has to mend it finds it. */
    default String describe(String name) {
        return "the secret " + name;
    }
}
