package io.vireo.fabric.storage;

import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/**
 * Who this daemon is for pools. Its identity is in the runtime directory, which one daemon at a
 * time has and which outlives it until the next boot: who finds its own in a pool knows that the
 * owner before has ended.
 */
final class HostOwner {
    private static final String FILE = "pool-owner";

    private HostOwner() {}

    /**
     * The same each time.
     *
     * @param host its name
     */
    static synchronized PoolOwner in(Path runtime, String host) {
        try {
            return new PoolOwner(id(runtime.resolve(FILE)), host);
        } catch (IOException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "%s cannot be read or written: make room there, or give Vireo the permission"
                            .formatted(runtime.resolve(FILE)),
                    e);
        }
    }

    private static UUID id(Path file) throws IOException {
        if (Files.exists(file)) {
            try {
                return UUID.fromString(Files.readString(file).strip());
            } catch (IllegalArgumentException e) {
                // Somebody has written to it: as after a boot nobody knows who was before.
            }
        }
        var drawn = UUID.randomUUID();
        Path whole = file.resolveSibling(FILE + ".new");
        Files.writeString(whole, drawn + "\n");
        Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
        return drawn;
    }
}
