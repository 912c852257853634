package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A guest in which a daemon runs: with the kernel of stock Debian, which has what the kernel of the
 * host may lack. Its programs are those of the host, on a disk that {@code
 * systest/guest/daemon-disk} makes. It has one processor: an emulator with several does not see
 * each change that a Java virtual machine makes to its code.
 */
final class DaemonGuest implements AutoCloseable {
    private static final String ROOT = "/host";
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final int SECONDS = 240;

    private final Guest guest;

    private DaemonGuest(Guest guest) {
        this.guest = guest;
    }

    /**
     * Boots one, without a daemon.
     *
     * @param modules of the kernel that are loaded
     * @param files that it has in its root
     */
    static DaemonGuest boot(Bed bed, List<String> modules, List<Path> files) {
        Path disk = makeDisk(bed, files);
        var guest =
                new Guest(
                        bed,
                        "daemon",
                        List.of(
                                "-m",
                                "1536M",
                                "-drive",
                                "if=none,id=programs,format=raw,snapshot=on,file=" + disk,
                                "-device",
                                "virtio-blk-pci,drive=programs"));
        var booted = new DaemonGuest(guest);
        try {
            guest.start();
            booted.enter(modules);
            return booted;
        } catch (RuntimeException e) {
            guest.close();
            throw e;
        }
    }

    private static Path makeDisk(Bed bed, List<Path> files) {
        Path disk = bed.run().resolve("daemon.raw");
        var words = new ArrayList<String>();
        words.add(bed.repository().resolve("systest/guest/daemon-disk").toString());
        words.add(disk.toString());
        files.forEach(file -> words.add(file.toAbsolutePath().toString()));
        try {
            Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
            var output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(Processes.ended(process, PATIENCE)).as(output).isTrue();
            assertThat(process.exitValue()).as(output).isZero();
            return disk;
        } catch (IOException e) {
            throw new IllegalStateException("daemon-disk", e);
        }
    }

    private void enter(List<String> modules) {
        for (var module : modules) {
            // What several need is there already.
            guest.output(
                    "while read -r module; do insmod $module 2>/dev/null; done </modules/%s.order; grep -q '^%s ' /proc/modules"
                            .formatted(module, module));
        }
        guest.output("mkdir %1$s && mount -t ext4 /dev/vda %1$s".formatted(ROOT));
        guest.output("cp /bin/busybox " + ROOT + "/usr/bin/");
        guest.output("for i in dev proc sys; do mount --bind /$i %s/$i; done".formatted(ROOT));
        guest.output("for i in run tmp; do mount -t tmpfs tmpfs %s/$i; done".formatted(ROOT));
    }

    /** Starts the daemon and returns when its API is there. */
    void startDaemon() {
        // The second compiler is not worth its time where it is emulated.
        run(
                "VIREO_JAVA_OPTIONS=-XX:TieredStopAtLevel=1 /vireo/bin/vireo serve --state-dir=/tmp/state --listen=none >/tmp/daemon.log 2>&1 &"
                        + " for i in {1..%d}; do [[ -S /run/vireo/api.sock ]] && exit; sleep 1; done; cat /tmp/daemon.log; exit 1"
                                .formatted(SECONDS));
    }

    /** Applies a file in its root and returns when all is ready. */
    void apply(String file) {
        run("/vireo/bin/vireo apply -f /%s --wait %d".formatted(file, SECONDS));
    }

    /** Runs lines of shell, without single quotes, that must succeed. */
    void run(String script) {
        String line =
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot %s bash -euc '%s'"
                        .formatted(ROOT, script);
        var result = guest.run(line, PATIENCE);
        assertThat(result.status()).as(script + ": " + result.output()).isZero();
    }

    @Override
    public void close() {
        guest.close();
    }
}
