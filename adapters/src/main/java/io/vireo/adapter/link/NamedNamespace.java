package io.vireo.adapter.link;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.NetworkNamespace;

/**
 * A network namespace that was entered by its name. Whoever has a socket in it keeps it alive, also
 * when its name is gone, or stands for another one.
 *
 * @param name below /run/netns
 * @param identity which one it was
 */
record NamedNamespace(String name, NetworkNamespace.Identity identity) {
    /** That of a name; inside of it only. */
    static NamedNamespace entered(String name) throws ErrnoException {
        return new NamedNamespace(name, NetworkNamespace.Identity.current());
    }

    /** Whether the name stands for another one by now. */
    boolean isReplaced() {
        return identity.isReplacedAt(name);
    }
}
