package io.vireo.systest;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.hostile.Attack;
import io.vireo.testkit.hostile.BlkAttacks;
import io.vireo.testkit.hostile.BlkDriver;
import io.vireo.testkit.hostile.Driver;
import io.vireo.testkit.hostile.FrameSender;
import io.vireo.testkit.hostile.NetAttacks;
import io.vireo.testkit.hostile.Siege;
import io.vireo.testkit.hostile.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** Every attack, on the disks and cards of a daemon that is started as people start it. */
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
        long pid = daemon.pid();
        siege = new Siege(() -> openFds(pid), () -> ProcessHandle.of(pid).isPresent());
    }

    @AfterAll
    static void stop() {
        witness.close();
        memory.close();
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
        var attacks = Siege.attacks().stream().filter(attack -> attack.group() <= LAST_RING_GROUP);
        return tests(socket("web1", "eth0"), new FrameSender(), attacks.toList());
    }

    @TestFactory
    Stream<DynamicTest> framesThatACardCannotSend() {
        var neighbour = socket("web2", "eth0");
        return tests(socket("web1", "eth0"), new FrameSender(), NetAttacks.all(neighbour));
    }

    private static Stream<DynamicTest> tests(Path socket, Driver driver, List<Attack> attacks) {
        var target = new Target(socket, driver, witnessed);
        return attacks.stream()
                .map(attack -> dynamicTest(attack.toString(), () -> siege.run(target, attack)));
    }

    private static Path socket(String profile, String device) {
        return bed.run().resolve("runtime").resolve(profile).resolve(device + ".sock");
    }

    private static int openFds(long pid) {
        try (var fds = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            return (int) fds.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
