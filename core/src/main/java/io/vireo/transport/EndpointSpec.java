package io.vireo.transport;

import java.nio.file.Path;

/**
 * Where a device is presented.
 *
 * @param name of the device, for logs
 * @param socket path of the Unix socket
 * @param listen true: we listen at it (mode and owner are the transport's configuration); false: we
 *     connect to it, again and again until closed
 */
public record EndpointSpec(String name, Path socket, boolean listen) {}
