package io.vireo.transport.vhostuser;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.vireo.linux.OpenFiles;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.hostile.Attack;
import io.vireo.testkit.hostile.EchoDriver;
import io.vireo.testkit.hostile.Siege;
import io.vireo.testkit.hostile.Target;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every attack, on an endpoint in this process. */
class HostileInputsTest {
    private TestBed bed;
    private DriverMemory memory;
    private VhostUserSession witness;
    private Target target;
    private Siege siege;

    @BeforeEach
    void open() {
        bed = new TestBed(Duration.ofSeconds(1));
        bed.present(bed.device(2), "attacked");
        bed.present(bed.device(1), "witness");
        memory = new DriverMemory(1 << 20);
        witness = VhostUserSession.open(bed.path("witness"), memory);
        var ring = witness.start(0, 16);
        var driver = new EchoDriver();
        target =
                new Target(
                        bed.path("attacked"),
                        new EchoDriver(),
                        () -> driver.exchange(witness, ring, 4));
        target.witness().run();
        siege = new Siege(OpenFiles::count, () -> true);
    }

    void run(Attack attack) throws Exception {
        siege.run(target, attack);
    }

    @AfterEach
    void close() {
        witness.close();
        bed.close();
        memory.close();
    }

    @TestFactory
    Stream<DynamicTest> attacks() {
        return Siege.attacks().stream()
                .map(attack -> dynamicTest(attack.toString(), () -> run(attack)));
    }
}
