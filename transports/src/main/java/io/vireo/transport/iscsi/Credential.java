package io.vireo.transport.iscsi;

import java.util.function.Supplier;

/**
 * A name and its secret, which is fetched for each use and kept nowhere.
 *
 * @param user CHAP name
 * @param secret gives the secret's bytes; throws {@link io.vireo.resource.ResourceException} if it
 *     cannot
 */
record Credential(String user, Supplier<byte[]> secret) {
    /** The name only. */
    @Override
    public String toString() {
        return user;
    }
}
