package io.vireo.systest;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.hostile.Attack;
import io.vireo.testkit.hostile.BlkAttacks;
import io.vireo.testkit.hostile.BlkDriver;
import io.vireo.testkit.hostile.Bystander;
import io.vireo.testkit.hostile.Driver;
import io.vireo.testkit.hostile.FrameSender;
import io.vireo.testkit.hostile.NetAttacks;
import io.vireo.testkit.hostile.ScsiAttacks;
import io.vireo.testkit.hostile.ScsiControlAttacks;
import io.vireo.testkit.hostile.ScsiControlDriver;
import io.vireo.testkit.hostile.ScsiDriver;
import io.vireo.testkit.hostile.ScsiEventDriver;
import io.vireo.testkit.hostile.Siege;
import io.vireo.testkit.hostile.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/**
 * Every attack, on the disks, cards and host adapters of a daemon that is started as people start
 * it.
 */
@Tag("endurance")
class HostileInputsIT {
    /** Group of the catalogue up to which attacks are the driver's, not the front end's. */
    private static final int LAST_RING_GROUP = 15;

    private static final int WITNESS_RING = 16;
    private static final int WITNESS_CHAIN = 4;

    private static Bed bed;
    private static Daemon daemon;
    private static DriverMemory memory;
    private static VhostUserSession witness;
    private static Runnable witnessed;
    private static Bystander bystander;
    private static ScsiEventDriver events;
    private static Siege siege;

    @BeforeAll
    static void start() {
        bed = Bed.prepare(Path.of(".."), "hostile");
        daemon = new Daemon(bed);
        daemon.start();
        daemon.apply(Examples.localCopy(bed));
        memory = new DriverMemory(1 << 20);
        witness = VhostUserSession.open(socket("web2", "disk0"), memory);
        var ring = witness.start(0, WITNESS_RING);
        var driver = new BlkDriver();
        witnessed = () -> driver.exchange(witness, ring, WITNESS_CHAIN);
        witnessed.run();
        daemon.apply(Path.of("src/test/resources/hostile-adapters.yaml"));
        bystander = new Bystander(adapter("bystander"));
        events = new ScsiEventDriver(adapter("neighbour"));
        useOnce(adapter("attacked"));
        long pid = daemon.pid();
        siege = new Siege(() -> openFds(pid), () -> ProcessHandle.of(pid).isPresent());
    }

    @AfterAll
    static void stop() {
        witness.close();
        memory.close();
        events.close();
        bystander.close();
        daemon.close();
    }

    @TestFactory
    Stream<DynamicTest> everyAttackOnADisk() {
        return tests(socket("web1", "disk0"), new BlkDriver(), Siege.attacks());
    }

    @TestFactory
    Stream<DynamicTest> requestsThatADiskCannotDo() {
        return tests(socket("web1", "disk0"), new BlkDriver(), BlkAttacks.all());
    }

    /**
     * What comes over the socket is the same matter for disks and cards; rings are served by other
     * code.
     */
    @TestFactory
    Stream<DynamicTest> everyAttackOnTheRingOfACard() {
        return tests(socket("web1", "eth0"), new FrameSender(), onRings());
    }

    @TestFactory
    Stream<DynamicTest> framesThatACardCannotSend() {
        var neighbour = socket("web2", "eth0");
        return tests(socket("web1", "eth0"), new FrameSender(), NetAttacks.all(neighbour));
    }

    @TestFactory
    Stream<DynamicTest> everyAttackByTheRequestsOfAnAdapter() {
        return onAdapter(new ScsiDriver(), ScsiAttacks.all());
    }

    @TestFactory
    Stream<DynamicTest> everyAttackByTheControlQueueOfAnAdapter() {
        return onAdapter(new ScsiControlDriver(), ScsiControlAttacks.requests());
    }

    @TestFactory
    Stream<DynamicTest> everyAttackByTheEventQueueOfAnAdapter() {
        return onAdapter(events, ScsiControlAttacks.events());
    }

    /** Attacks on a ring of an adapter, and of its device, beside one that is at work. */
    private static Stream<DynamicTest> onAdapter(Driver driver, List<Attack> ofDevice) {
        var attacks = new ArrayList<>(onRings());
        attacks.addAll(ofDevice);
        return tests(new Target(adapter("attacked"), driver, bystander::goesOn), attacks);
    }

    private static List<Attack> onRings() {
        return Siege.attacks().stream().filter(a -> a.group() <= LAST_RING_GROUP).toList();
    }

    private static Stream<DynamicTest> tests(Path socket, Driver driver, List<Attack> attacks) {
        return tests(new Target(socket, driver, witnessed), attacks);
    }

    private static Stream<DynamicTest> tests(Target target, List<Attack> attacks) {
        return attacks.stream()
                .map(attack -> dynamicTest(attack.toString(), () -> siege.run(target, attack)));
    }

    private static Path socket(String profile, String device) {
        return bed.run().resolve("runtime").resolve(profile).resolve(device + ".sock");
    }

    private static Path adapter(String name) {
        return bed.run().resolve("runtime").resolve("vhba." + name + ".sock");
    }

    /** A unit opens its disk when it is used for the first time, and keeps it open. */
    private static void useOnce(Path socket) {
        try (var session = VhostUserSession.open(socket, memory)) {
            var driver = new ScsiDriver();
            driver.exchange(session, session.start(driver.queue(), WITNESS_RING), WITNESS_CHAIN);
        }
    }

    private static int openFds(long pid) {
        try (var fds = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            return (int) fds.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
