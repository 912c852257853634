package io.vireo.server;

import io.vireo.net.HostIdentity;
import io.vireo.resource.MacAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/** Who this host is. */
final class ThisHost {
    private static final Path MACHINE_ID = Path.of("/etc/machine-id");
    private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

    // Of a MAC address, the first octet highest: not a group's, and chosen locally.
    private static final long OCTETS = 0xFEFF_FFFF_FFFFL;
    private static final long LOCAL = 0x0200_0000_0000L;

    private ThisHost() {}

    static HostIdentity identity() {
        var name = read(HOST_NAME, "localhost");
        var description =
                "Vireo %s on %s %s %s"
                        .formatted(
                                Version.get(),
                                System.getProperty("os.name"),
                                System.getProperty("os.version"),
                                System.getProperty("os.arch"));
        return new HostIdentity(chassis(read(MACHINE_ID, name)), name, description);
    }

    /** A MAC address that is made of machine-id(5), which itself is not for others to see. */
    private static MacAddress chassis(String machine) {
        var digest = UUID.nameUUIDFromBytes(("vireo " + machine).getBytes(StandardCharsets.UTF_8));
        return new MacAddress(digest.getLeastSignificantBits() & OCTETS | LOCAL);
    }

    private static String read(Path file, String otherwise) {
        try {
            var text = Files.readString(file).strip();
            return text.isEmpty() ? otherwise : text;
        } catch (IOException _) {
            return otherwise;
        }
    }
}
