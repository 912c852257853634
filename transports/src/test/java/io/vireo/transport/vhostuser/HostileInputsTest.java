package io.vireo.transport.vhostuser;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.vireo.linux.OpenFiles;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
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
                        OpenFiles::count,
                        () -> true,
                        () -> driver.exchange(witness, ring, 4));
    }

    Target target() {
        return target;
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
                .map(attack -> dynamicTest(attack.toString(), () -> Siege.run(target, attack)));
    }
}
