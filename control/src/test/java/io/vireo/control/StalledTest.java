package io.vireo.control;

import static io.vireo.control.testing.Manifests.apply;
import static io.vireo.control.testing.Manifests.await;
import static io.vireo.control.testing.Manifests.awaitReady;
import static io.vireo.control.testing.Manifests.network;
import static io.vireo.control.testing.Manifests.pool;
import static io.vireo.control.testing.Manifests.profile;
import static io.vireo.control.testing.Manifests.ready;
import static io.vireo.control.testing.Manifests.resource;
import static io.vireo.control.testing.Manifests.vdisk;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.control.testing.FakeWorld;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.UpdateResult;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What is said of resources that are not tried again by themselves. */
final class StalledTest {
    private static final Reference LAN = new Reference("Network", "lan");
    private static final Reference WEB1 = new Reference("ServerProfile", "web1");
    private static final Reference NIC = new Reference("Vnic", "web1.eth0");
    private static final Reference DISK = new Reference("VdiskAttachment", "web1.disk0");

    @TempDir Path directory;
    private final FakeWorld world = new FakeWorld();
    private ControlPlane control;

    @BeforeEach
    void open() {
        control =
                ControlPlane.open(
                        ControlConfig.at(directory.resolve("store.db")),
                        world.kinds(),
                        new Services());
    }

    @AfterEach
    void close() {
        control.close();
    }

    /**
     * Whoever waits for something must neither wait in vain nor take an old failure for a new one.
     */
    @Test
    void whatIsNotTriedAgainIsToldUntilItIs() {
        JsonNode profile = profile("web1", "lan", "root");
        for (int round = 0; round < 20; round++) {
            world.failNext(LAN, new ResourceException(ErrorCode.CONFLICT, "wipe it"));
            apply(control, network("lan"), pool("ssd"), vdisk("root", "ssd"), profile);
            await(() -> control.get(WEB1).stalled(), () -> ready(control, WEB1).toString());
            assertThat(control.get(LAN).stalled()).isTrue();
            assertThat(control.get(NIC).stalled()).isTrue();
            assertThat(control.get(DISK).stalled()).isFalse();

            apply(control, network("lan"), profile);
            assertThat(control.get(LAN).stalled()).isFalse();
            assertThat(control.get(NIC).stalled()).isFalse();
            assertThat(control.get(WEB1).stalled()).isFalse();
            awaitReady(control);
            control.delete(List.of(WEB1, LAN));
            await(() -> control.list("Network").isEmpty(), () -> "it stays");
        }
    }

    @Test
    void anUpdateThatIsRefusedIsStalledUntilTheNextChange() {
        apply(control, network("lan"));
        awaitReady(control);
        world.answerUpdates(LAN, new UpdateResult.Refused("it is in use"));
        apply(control, resource("Network", "lan", "{'mtu':1400}"));
        await(() -> control.get(LAN).stalled(), () -> ready(control, LAN).toString());

        world.answerUpdates(LAN, UpdateResult.IN_PLACE);
        apply(control, resource("Network", "lan", "{'mtu':1300}"));
        assertThat(control.get(LAN).stalled()).isFalse();
        awaitReady(control);
    }
}
