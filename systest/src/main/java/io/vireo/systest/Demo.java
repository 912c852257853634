package io.vireo.systest;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/** What script/demo runs: the main job with progress for people. */
public final class Demo {
    private final long started = startSecond();

    private Demo() {}

    /** Runs it; with {@code --once} it ends after the last step, else at the signal of Ctrl-C. */
    public static void main(String[] arguments) throws InterruptedException {
        boolean once = List.of(arguments).contains("--once");
        int status = new Demo().run(once);
        System.exit(status);
    }

    private static long startSecond() {
        String given = System.getenv("VIREO_STARTED");
        return given == null ? Instant.now().getEpochSecond() : Long.parseLong(given);
    }

    private int run(boolean once) throws InterruptedException {
        Bed bed = Bed.prepare(Path.of("."), "demo");
        var daemon = new Daemon(bed);
        Runtime.getRuntime().addShutdownHook(new Thread(daemon::close));
        try {
            prepare(bed, daemon);
            return play(bed, daemon, once);
        } catch (ScenarioException e) {
            step("FAILED: " + e.getMessage());
            places(bed, daemon);
            return 1;
        }
    }

    private void prepare(Bed bed, Daemon daemon) {
        Bed.Emulator emulator = bed.emulator();
        step("QEMU " + emulator.version() + (emulator.kvm() ? " with KVM" : " without KVM"));
        step("Starting the daemon with an empty store in " + bed.run());
        daemon.start();
        step("vireo apply -f examples/ (with the pool in " + bed.run().resolve("pool") + ")");
        daemon.apply(Examples.localCopy(bed));
        System.out.print(daemon.vireo("get", "serverprofile").indent(8));
    }

    private int play(Bed bed, Daemon daemon, boolean once) throws InterruptedException {
        try (var job = new MainJob(bed, daemon, Examples.PROFILES, this::step)) {
            Runtime.getRuntime().addShutdownHook(new Thread(job::close));
            Report report = job.run();
            step("All is well. What the guests saw:");
            System.out.printf("%n%s%n", report.table());
            places(bed, daemon);
            if (!once) {
                step("Daemon and guests stay up until Ctrl-C");
                Thread.currentThread().join();
            }
            return 0;
        }
    }

    private void places(Bed bed, Daemon daemon) {
        System.out.printf(
                "API      curl --unix-socket %s http://localhost/v1/%n", daemon.apiSocket());
        System.out.printf(
                "metrics  curl --unix-socket %s http://localhost/metrics%n", daemon.apiSocket());
        System.out.printf("log      %s%n", daemon.log());
        System.out.printf("guests   %s%n%n", bed.run().resolve("*.console.log"));
    }

    private void step(String text) {
        System.out.printf("[%4ds] %s%n", Instant.now().getEpochSecond() - started, text);
    }
}
