package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Debian is imported once, from a qcow2 file, and servers boot from clones of a snapshot of it, two
 * at once. Each keeps what it writes for itself, and the image stays as it was, bit by bit. How
 * long a clone and a boot take is printed.
 */
class GoldenImageIT {
    private static final int MEMORY_MIB = 512;

    @Test
    @Timeout(600)
    void serversBootFromClonesOfAnImage() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "golden");
        Path images = Files.createDirectories(bed.run().resolve("state/images"));
        Path disk = bed.debian("disk.raw");
        Processes.run(
                "qemu-img",
                "convert",
                "-f",
                "raw",
                "-O",
                "qcow2",
                disk.toString(),
                images.resolve("debian.qcow2").toString());
        try (var daemon = new Daemon(bed)) {
            timed("the start of the daemon", daemon::start);
            Path pool = bed.run().resolve("pool");
            Path image = resources(bed, "golden-image", "POOL", pool.toString());
            timed("the import of the image", () -> daemon.apply(image));
            try (var web1 = clone(bed, daemon, "web1");
                    var web2 = clone(bed, daemon, "web2")) {
                Processes.atOnce(() -> boot(web1), () -> boot(web2));
                hasOnly(web1, "vda");
                hasOnly(web2, "vda");
                String first = write(web1);
                String second = write(web2);
                assertThat(first).isNotEqualTo(second);
                assertThat(read(web1)).isEqualTo(first);
                assertThat(read(web2)).isEqualTo(second);
                Path again = resources(bed, "golden-again");
                timed("a clone and its export", () -> daemon.apply(again));
                assertThat(Files.mismatch(disk, images.resolve("again.raw"))).isEqualTo(-1);
            }
        }
    }

    /** A server whose only disk is a clone of the image, made now. */
    private static Guest clone(Bed bed, Daemon daemon, String name) throws IOException {
        Path declaration = resources(bed, "golden-server", "NAME", name);
        timed("the clone for " + name, () -> daemon.apply(declaration));
        return Guest.debianFromFirstDisk(bed, name, daemon.attach(name, MEMORY_MIB));
    }

    private static void boot(Guest guest) {
        timed("the boot of " + guest.name(), guest::start);
    }

    private static void hasOnly(Guest guest, String disk) {
        assertThat(guest.output("basename $(findmnt -n -o SOURCE /)")).isEqualTo(disk);
        assertThat(guest.output("ls /sys/block | grep -v '^\\(loop\\|ram\\)'")).isEqualTo(disk);
    }

    private static String write(Guest guest) {
        guest.output("test ! -e /root/proof");
        guest.output("dd if=/dev/urandom of=/root/proof bs=1M count=4 conv=fsync 2>&1");
        return guest.output("sha256sum </root/proof");
    }

    private static String read(Guest guest) {
        guest.output("echo 3 >/proc/sys/vm/drop_caches");
        return guest.output("sha256sum </root/proof");
    }

    private static void timed(String what, Runnable step) {
        long begin = System.nanoTime();
        step.run();
        double seconds = (System.nanoTime() - begin) / 1e9;
        System.out.printf(Locale.ROOT, "%s took %.1f s%n", what, seconds);
    }

    private static Path resources(Bed bed, String name, String... words) throws IOException {
        String text = Files.readString(Path.of("src/test/resources", name + ".yaml"));
        for (int i = 0; i < words.length; i += 2) {
            text = text.replace(words[i], words[i + 1]);
        }
        return Files.writeString(bed.run().resolve(name + ".yaml"), text);
    }
}
