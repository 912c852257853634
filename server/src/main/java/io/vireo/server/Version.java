package io.vireo.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version that was built. */
final class Version {
    private Version() {}

    static String get() {
        var properties = new Properties();
        try (var in = Version.class.getResourceAsStream("/io/vireo/server/version.properties")) {
            if (in == null) {
                throw new IllegalStateException("version.properties is missing from the jar");
            }
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty("version");
    }
}
