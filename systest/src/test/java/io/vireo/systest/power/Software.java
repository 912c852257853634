package io.vireo.systest.power;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The disk from which a guest runs the daemon: a JDK, its libraries, Vireo, and {@link Load}. */
final class Software {
    private static final List<String> JDK_LIBRARIES =
            List.of(
                    "jvm.cfg",
                    "modules",
                    "server",
                    "security",
                    "tzdb.dat",
                    "jfr",
                    "libjava.so",
                    "libjimage.so",
                    "libjli.so",
                    "libnet.so",
                    "libnio.so",
                    "libzip.so",
                    "libextnet.so",
                    "libverify.so",
                    "libmanagement.so",
                    "libmanagement_ext.so",
                    "libsyslookup.so",
                    "libinstrument.so",
                    "libjsig.so");

    private Software() {}

    /**
     * Makes the disk.
     *
     * @param repository top of the source tree, in which everything is built
     * @param resources to declare
     * @param folder for it
     * @return a raw image of ext4
     */
    static Path make(Path repository, Path resources, Path folder) {
        var root = folder.resolve("software");
        var java = Path.of(System.getProperty("java.home"));
        shell("mkdir -p %1$s/jdk/bin %1$s/jdk/lib %1$s/lib %1$s/load".formatted(root));
        shell("cp %s/bin/java %s/jdk/bin/".formatted(java, root));
        shell("cp %s/release %s/jdk/ && cp -rL %s/conf %s/jdk/".formatted(java, root, java, root));
        for (var library : JDK_LIBRARIES) {
            if (Files.exists(java.resolve("lib").resolve(library))) {
                shell("cp -rL %s/lib/%s %s/jdk/lib/".formatted(java, library, root));
            }
        }
        shell(
                "ldd %1$s/lib/server/libjvm.so %1$s/lib/libzip.so %1$s/lib/libjimage.so %1$s/bin/java"
                                .formatted(java)
                        + " | sed -n 's/.*=> \\(\\/[^ ]*\\) .*/\\1/p' | grep -v '%s' | sort -u"
                                .formatted(java)
                        + " | xargs -I{} cp -L {} %s/lib/".formatted(root));
        shell("cp -r %s/server/target/vireo %s/".formatted(repository, root));
        shell(
                "cp -r %1$s/testkit/target/classes/. %1$s/systest/target/test-classes/. %2$s/load/"
                        .formatted(repository, root));
        shell("cp %s %s/power.yaml".formatted(resources, root));
        var image = folder.resolve("software.raw");
        shell("mke2fs -q -t ext4 -d %s %s 500M && rm -r %s".formatted(root, image, root));
        return image;
    }

    private static void shell(String command) {
        try {
            var process =
                    new ProcessBuilder("sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; " + command)
                            .redirectErrorStream(true)
                            .start();
            var output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new AssertionError(command + ": " + output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(command, e);
        }
    }
}
