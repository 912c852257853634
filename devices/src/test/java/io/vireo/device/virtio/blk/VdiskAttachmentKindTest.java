package io.vireo.device.virtio.blk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.ExclusiveUse;
import io.vireo.device.virtio.FakeTransport;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Condition;
import io.vireo.resource.DurableState;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VdiskAttachmentSpec;
import io.vireo.testkit.FakeContext;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryState;
import io.vireo.transport.Endpoint;
import io.vireo.transport.EndpointSpec;
import io.vireo.transport.VirtioTransport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class VdiskAttachmentKindTest {
    private static final Metadata METADATA = Metadata.of("web1.disk0", "1");

    private final VdiskAttachmentKind kind = new VdiskAttachmentKind();
    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1, -1), PollMode.ADAPTIVE);
    private final MemoryBlockDevice disk = new MemoryBlockDevice(1 << 20, 512);
    private final FakeTransport transport = new FakeTransport();
    private final List<String> claims = new ArrayList<>();
    private final MemoryState state = new MemoryState();
    private final FakeContext context =
            new FakeContext()
                    .with(BlockDevice.class, disk)
                    .with(DurableState.class, state)
                    .with(ExclusiveUse.class, this::claim)
                    .with(ReactorGroup.class, reactors)
                    .with(RuntimeDirectory.class, new RuntimeDirectory(Path.of("/run/vireo")))
                    .with(VirtioTransport.class, transport);

    private ExclusiveUse.Claim claim(String user, boolean readOnly) {
        claims.add(user + (readOnly ? " reads" : " writes"));
        return () -> claims.add(user + " is gone");
    }

    private static VdiskAttachmentSpec spec(
            int queues, boolean readOnly, OptionalInt bootOrder, SocketMode mode, String path) {
        return new VdiskAttachmentSpec(
                "web1",
                "disk0",
                "data",
                "SERIAL",
                readOnly,
                queues,
                bootOrder,
                mode,
                Optional.of(path).filter(given -> !given.isEmpty()));
    }

    private static VdiskAttachmentSpec plain() {
        return spec(2, false, OptionalInt.empty(), SocketMode.SERVER, "");
    }

    @AfterEach
    void close() {
        reactors.close();
        disk.close();
    }

    @Test
    void presentsTheDiskAndGivesEverythingBack() {
        var running = kind.realize(METADATA, plain(), context);
        assertThat(transport.presented)
                .containsExactly(
                        new EndpointSpec(
                                "web1.disk0", Path.of("/run/vireo/web1/disk0.sock"), true));
        assertThat(transport.devices.getFirst().queueCount()).isEqualTo(2);
        assertThat(claims).containsExactly("web1.disk0 writes");
        assertThat(running.status().attributes())
                .containsEntry(Status.SOCKET, "/run/vireo/web1/disk0.sock")
                .containsEntry(Status.SOCKET_MODE, "server")
                .containsEntry(Status.QUEUES, "2")
                .containsEntry("serial", "SERIAL")
                .containsEntry("state", "waiting");
        assertThat(running.contract(BlockDevice.class)).isEmpty();
        running.close(() -> claims.add("closed"));
        assertThat(transport.closed).isEqualTo(1);
        assertThat(claims).containsExactly("web1.disk0 writes", "web1.disk0 is gone", "closed");
        assertThat(disk.geometryListeners()).isZero();
    }

    @Test
    void aPathOfItsOwnAndClientMode() {
        kind.realize(
                METADATA,
                spec(1, true, OptionalInt.of(1), SocketMode.CLIENT, "/srv/a.sock"),
                context);
        assertThat(transport.presented)
                .containsExactly(new EndpointSpec("web1.disk0", Path.of("/srv/a.sock"), false));
        assertThat(claims).containsExactly("web1.disk0 reads");
    }

    @Test
    void statusFollowsTheEndpoint() {
        var running = kind.realize(METADATA, plain(), context);
        assertThat(connected(running.status()).met()).isFalse();
        transport.state = Endpoint.State.RUNNING;
        assertThat(connected(running.status()).met()).isTrue();
        transport.error = "the ring is broken";
        assertThat(connected(running.status()).message()).contains("the ring is broken");
        assertThat(running.status().metrics())
                .anySatisfy(metric -> {
                    assertThat(metric.name()).isEqualTo("vhost_sessions_total");
                    assertThat(metric.value()).isEqualTo(3);
                });
    }

    private static Condition connected(Status status) {
        return status.conditions().getFirst();
    }

    @Test
    void aCacheThatAServerTurnedOffIsToldUntilTheDiskIsDetached() {
        var first = kind.realize(METADATA, plain(), context);
        assertThat(first.status().attributes()).containsEntry("writeCache", "on");
        transport.devices.getFirst().writeConfig(32, new byte[1], 1, _ -> {});
        first.close(() -> {});
        var second = kind.realize(METADATA, plain(), context);
        assertThat(second.status().attributes()).containsEntry("writeCache", "off, by the server");
        second.close(() -> {});
        kind.destroy(METADATA, plain(), context);
        var third = kind.realize(METADATA, plain(), context);
        assertThat(third.status().attributes()).containsEntry("writeCache", "on");
        third.close(() -> {});
    }

    @Test
    void whatCannotBePresentedHoldsNothing() {
        transport.failures.add(new IllegalStateException("no room for a socket"));
        assertThatThrownBy(() -> kind.realize(METADATA, plain(), context))
                .hasMessageContaining("no room for a socket");
        assertThat(claims).containsExactly("web1.disk0 writes", "web1.disk0 is gone");
        assertThat(disk.geometryListeners()).isZero();
    }

    @Test
    void aDiskInUseIsNotPresented() {
        context.with(
                ExclusiveUse.class,
                (_, _) -> {
                    throw new ResourceException(ErrorCode.IN_USE, "attached to web2");
                });
        assertThatThrownBy(() -> kind.realize(METADATA, plain(), context))
                .hasMessageContaining("attached to web2");
        assertThat(transport.presented).isEmpty();
    }

    @Test
    void onlyTheBootOrderChangesInPlace() {
        var running = kind.realize(METADATA, plain(), context);
        var boots = spec(2, false, OptionalInt.of(3), SocketMode.SERVER, "");
        assertThat(kind.restarts(plain(), boots)).isEmpty();
        assertThat(kind.update(running, METADATA, plain(), boots, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        for (var other :
                List.of(
                        spec(4, false, OptionalInt.empty(), SocketMode.SERVER, ""),
                        spec(2, true, OptionalInt.empty(), SocketMode.SERVER, ""),
                        spec(2, false, OptionalInt.empty(), SocketMode.CLIENT, ""),
                        spec(2, false, OptionalInt.empty(), SocketMode.SERVER, "/srv/a.sock"))) {
            assertThat(kind.restarts(plain(), other)).isPresent();
        }
        assertThat(kind.references(plain())).containsExactly(new Reference(Kinds.VDISK, "data"));
        assertThat(kind.derived()).isTrue();
    }
}
