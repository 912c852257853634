package io.vireo.systest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The resources of examples/, for a run that may write nowhere but in its own folder. */
public final class Examples {
    /** The server profiles that examples/ defines. */
    public static final List<String> PROFILES = List.of("web1", "web2");

    private static final String POOL = "/var/lib/vireo/pools/main";

    private Examples() {}

    /** Copies examples/ into the run's folder, with the pool's directory moved there too. */
    public static Path localCopy(Bed bed) {
        Path copy = bed.run().resolve("examples");
        Path pool = bed.run().resolve("pool");
        try (Stream<Path> files = Files.list(bed.repository().resolve("examples"))) {
            Files.createDirectories(copy);
            Files.createDirectories(pool);
            for (Path file : files.filter(path -> path.toString().endsWith(".yaml")).toList()) {
                String text = Files.readString(file).replace(POOL, pool.toString());
                Files.writeString(copy.resolve(file.getFileName()), text);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return copy;
    }
}
