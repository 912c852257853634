package io.vireo.systest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;

/** A daemon with a pool, whose vDisks are seen by two iSCSI portals on loopback. */
final class San implements AutoCloseable {
    /** The target of the vHBA {@code db1}. */
    static final String TARGET = "iqn.2026-11.io.vireo:db1";

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Bed bed;
    private final Daemon daemon;
    private final List<LoopbackPort> ports = List.of(LoopbackPort.ipv4(), LoopbackPort.ipv4());

    San(Bed bed) {
        this.bed = bed;
        this.daemon = new Daemon(bed);
    }

    Daemon daemon() {
        return daemon;
    }

    /** The port of a portal on loopback. */
    int port(int portal) {
        return ports.get(portal).number();
    }

    void start() {
        daemon.start();
    }

    /** The resources of a file among the tests', with this pool, these ports and further words. */
    Path resources(String name, String... words) throws IOException {
        String text =
                Files.readString(Path.of("src/test/resources", name))
                        .replace("POOL", bed.run().resolve("pool").toString())
                        .replace("PORT_A", Integer.toString(port(0)))
                        .replace("PORT_B", Integer.toString(port(1)));
        for (int i = 0; i < words.length; i += 2) {
            text = text.replace(words[i], words[i + 1]);
        }
        return Files.writeString(bed.run().resolve(name), text);
    }

    /** An attribute of a resource's status. */
    String attribute(String kind, String name, String attribute) {
        return JSON.readTree(daemon.vireo("get", kind, name, "-o", "json"))
                .path("status")
                .path("attributes")
                .path(attribute)
                .asString("");
    }

    @Override
    public void close() {
        daemon.close();
        ports.forEach(LoopbackPort::close);
    }
}
