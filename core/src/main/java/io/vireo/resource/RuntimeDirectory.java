package io.vireo.resource;

import java.nio.file.Path;

/**
 * Where the daemon's sockets live; a service of the host.
 *
 * @param root absolute path, {@code /run/vireo} by default
 */
public record RuntimeDirectory(Path root) {
    /** The default socket of a device of a profile: {@code <root>/<profile>/<device>.sock}. */
    public Path socket(String profile, String device) {
        return root.resolve(profile).resolve(device + ".sock");
    }
}
