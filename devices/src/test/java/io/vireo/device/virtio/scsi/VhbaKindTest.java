package io.vireo.device.virtio.scsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockRatePolicy;
import io.vireo.block.BlockRates;
import io.vireo.block.DiskIdentity;
import io.vireo.block.ExclusiveUse;
import io.vireo.block.PooledVolume;
import io.vireo.device.scsi.ScsiClient;
import io.vireo.device.scsi.ScsiUnits;
import io.vireo.device.virtio.FakePool;
import io.vireo.device.virtio.FakeTransport;
import io.vireo.device.virtio.NoState;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VhbaSpec;
import io.vireo.scsi.IscsiName;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiPort;
import io.vireo.scsi.ScsiTarget;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.FakeContext;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.transport.Endpoint;
import io.vireo.transport.EndpointSpec;
import io.vireo.transport.VirtioTransport;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class VhbaKindTest {
    private static final Metadata METADATA = Metadata.of("db1", "1");

    private final VhbaKind kind = new VhbaKind();
    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1, -1), PollMode.ADAPTIVE);
    private final MemoryBlockDevice disk = new MemoryBlockDevice(1 << 20, 512);
    private final FakeTransport transport = new FakeTransport();
    private final List<String> claims = new CopyOnWriteArrayList<>();
    private final FakeContext context =
            new FakeContext()
                    .with(BlockDevice.class, disk)
                    .with(DiskIdentity.class, new DiskIdentity("uid"))
                    .with(ExclusiveUse.class, this::claim)
                    .with(PooledVolume.class, new InPool())
                    .with(ReactorGroup.class, reactors)
                    .with(ScsiUnits.class, new ScsiUnits(reactors, new NoState()))
                    .with(RuntimeDirectory.class, new RuntimeDirectory(Path.of("/run/vireo")))
                    .with(VirtioTransport.class, transport);

    private static final class InPool implements PooledVolume {
        private final BlockPool pool = new FakePool();

        @Override
        public BlockPool pool() {
            return pool;
        }

        @Override
        public String volumeName() {
            return "disk";
        }
    }

    private ExclusiveUse.Claim claim(String user, boolean readOnly) {
        if (claims.contains("refuse")) {
            throw new ResourceException(ErrorCode.IN_USE, "in use");
        }
        claims.add("taken");
        return () -> claims.add("given back");
    }

    private static VhbaSpec spec(VhbaSpec.Lun... luns) {
        return new VhbaSpec(
                List.of(luns),
                Optional.of("3000000000000001"),
                Optional.of("3000000000000002"),
                Optional.of("iqn.2026-11.internal.vireo:db1-1"),
                2,
                SocketMode.SERVER,
                Optional.empty(),
                VhbaSpec.Access.OPTIMIZED,
                VhbaSpec.QUEUE_DEPTH_MAX,
                Optional.empty(),
                AdminState.UP,
                30);
    }

    private static VhbaSpec.Lun lun(int number, String vdisk, boolean boot) {
        return new VhbaSpec.Lun(number, vdisk, false, boot, false);
    }

    private static void close(Realization running) {
        var closed = new CompletableFuture<Boolean>();
        running.close(() -> closed.complete(true));
        BlockClient.await(closed);
    }

    @AfterEach
    void closeReactors() {
        reactors.close();
        disk.close();
    }

    @Test
    void presentsATargetAndGivesEverythingBack() {
        Realization running = kind.realize(METADATA, spec(lun(0, "one", true)), context);
        assertThat(transport.presented)
                .containsExactly(
                        new EndpointSpec("db1", Path.of("/run/vireo/vhba.db1.sock"), true));
        assertThat(transport.devices.getFirst().deviceType()).isEqualTo(8);
        assertThat(transport.devices.getFirst().queueCount()).isEqualTo(4);
        Status status = running.status();
        assertThat(status.attributes())
                .containsEntry("luns", "0=one (boot)")
                .containsEntry("socket", "/run/vireo/vhba.db1.sock")
                .containsEntry("state", "waiting");
        assertThat(status.attributes())
                .containsEntry("wwpn", "3000000000000001")
                .containsEntry("wwnn", "3000000000000002")
                .containsEntry("iqn", "iqn.2026-11.internal.vireo:db1-1");
        assertThat(running.contract(ScsiTarget.class)).isPresent();
        assertThat(running.contract(IscsiName.class).orElseThrow().name())
                .isEqualTo(status.attributes().get("iqn"));
        assertThat(running.contract(BlockDevice.class)).isEmpty();
        transport.become(Endpoint.State.RUNNING);
        assertThat(running.status().conditions().getFirst())
                .isEqualTo(new Condition(Condition.CONNECTED, true, "Connected", ""));
        close(running);
        assertThat(claims).containsExactly("taken", "given back");
        assertThat(transport.closed).isEqualTo(1);
        assertThat(disk.geometryListeners()).isZero();
        assertThat(disk.openChannels()).isZero();
    }

    @Test
    void lunsChangeInPlaceAndTheRestDoesNot() {
        VhbaSpec before = spec(lun(0, "one", false));
        Realization running = kind.realize(METADATA, before, context);
        VhbaSpec after = spec();
        assertThat(kind.update(running, METADATA, before, after, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        Eventually.until("the claim is given back", () -> claims.contains("given back"));
        assertThat(running.status().attributes()).containsEntry("luns", "");
        claims.add("refuse");
        assertThatThrownBy(() -> kind.update(running, METADATA, after, before, context))
                .isInstanceOf(ResourceException.class);
        assertThat(running.status().attributes()).containsEntry("luns", "");
        VhbaSpec elsewhere =
                after.withNames(Optional.of("50014380deadbeef"), after.wwnn(), after.iqn());
        assertThat(kind.restarts(before, after)).isEmpty();
        assertThat(kind.restarts(after, elsewhere)).isPresent();
        close(running);
    }

    @Test
    void theAccessStateChangesInPlace() {
        VhbaSpec before = spec(lun(0, "one", false));
        Realization running = kind.realize(METADATA, before, context);
        assertThat(running.status().attributes()).containsEntry("access", "optimized");
        VhbaSpec after = before.withAccess(VhbaSpec.Access.NON_OPTIMIZED);
        assertThat(kind.update(running, METADATA, before, after, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(running.status().attributes()).containsEntry("access", "non-optimized");
        close(running);
    }

    @Test
    void whoIsThereAndWhatInitiatorsMadeOfAWayIsShown() {
        VhbaSpec before = spec(lun(0, "one", false));
        Realization running = kind.realize(METADATA, before, context);
        ScsiTarget target = running.contract(ScsiTarget.class).orElseThrow();
        assertThat(running.status().attributes())
                .containsEntry("paths", "none: neither a guest nor an initiator is connected");
        ScsiPort port = target.iscsiPort("iqn.2026-11.internal.vireo:db1-1", 1);
        var initiator = new ScsiInitiator.Iscsi("iqn.1993-08.org.debian:01:abc", 5);
        ScsiClient client = new ScsiClient(target, initiator, port, reactors.next()).ready(0);
        assertThat(running.status().attributes())
                .containsEntry(
                        "paths",
                        "iqn.1993-08.org.debian:01:abc,i,0x000000000005 by"
                                + " iqn.2026-11.internal.vireo:db1-1,t,0x0001")
                .containsEntry("luns", "0=one");
        String group = client.in(0, "A30A00000000000000FF0000", 255).hex().substring(12, 16);
        byte[] standby = ScsiClient.bytes("00000000" + "0200" + group);
        assertThat(client.out(0, "A40A00000000000000080000", standby).good()).isTrue();
        assertThat(running.status().attributes())
                .containsEntry("access", "optimized")
                .containsEntry("luns", "0=one (standby by an initiator)");
        VhbaSpec after = before.withAccess(VhbaSpec.Access.NON_OPTIMIZED);
        kind.update(running, METADATA, before, after, context);
        while (!client.in(0, "A30A00000000000000FF0000", 255).hex().startsWith("01", 8)) {
            // The unit is given its state on its reactor, and tells so first.
        }
        assertThat(running.status().attributes()).containsEntry("luns", "0=one");
        client.close();
        target.removePort(port);
        assertThat(running.status().attributes())
                .containsEntry("paths", "none: neither a guest nor an initiator is connected");
        close(running);
    }

    @Test
    void theLinkGoesDownAndUpInPlace() {
        VhbaSpec up = spec(lun(0, "one", false));
        Realization running = kind.realize(METADATA, up, context);
        ScsiTarget target = running.contract(ScsiTarget.class).orElseThrow();
        assertThat(running.status().attributes())
                .containsEntry("adminState", "up")
                .containsEntry("linkDownTimeout", "30");
        VhbaSpec down = up.withLink(AdminState.DOWN, 5);
        assertThat(kind.update(running, METADATA, up, down, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(target.isLinkUp()).isFalse();
        assertThat(running.status().attributes())
                .containsEntry("adminState", "down")
                .containsEntry("linkDownTimeout", "5");
        assertThat(kind.update(running, METADATA, down, up, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(target.isLinkUp()).isTrue();
        close(running);
        Realization born = kind.realize(METADATA, down, context);
        assertThat(born.contract(ScsiTarget.class).orElseThrow().isLinkUp()).isFalse();
        close(born);
    }

    @Test
    void theQueueDepthChangesInPlaceAndLunsAreCounted() {
        VhbaSpec before = spec(lun(3, "one", false));
        Realization running = kind.realize(METADATA, before, context);
        assertThat(running.status().attributes()).containsEntry("queueDepth", "1024");
        assertThat(kind.update(running, METADATA, before, before.withQueueDepth(7), context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(running.status().attributes()).containsEntry("queueDepth", "7");
        assertThat(running.status().metrics())
                .anySatisfy(metric -> {
                    assertThat(metric.name()).isEqualTo("commands_total");
                    assertThat(metric.labels()).containsEntry("lun", "3");
                })
                .anyMatch(metric -> metric.name().equals("read_latency_seconds_total"))
                .noneMatch(metric -> metric.name().equals("read_latency_seconds"));
        assertThat(running.status().attributes()).containsEntry("readLatency", "-");
        close(running);
    }

    /** A policy that cannot be had, or can. */
    private static final class Policy implements BlockRatePolicy {
        boolean refuses;
        int users;

        @Override
        public String name() {
            return "gold";
        }

        @Override
        public BlockRates open(String user, Runnable changed) {
            if (refuses) {
                throw new IllegalArgumentException("not for " + user);
            }
            users++;
            return new BlockRates() {
                @Override
                public boolean limited() {
                    return true;
                }

                @Override
                public long reservation() {
                    return 0;
                }

                @Override
                public void follow(BlockRatePolicy policy) {
                    throw new AssertionError(policy.name());
                }

                @Override
                public int settings() {
                    return 0;
                }

                @Override
                public long reserve(BlockOperation operation, long bytes, long now) {
                    return now;
                }

                @Override
                public void giveBack(BlockOperation operation, long bytes) {}

                @Override
                public void takeUnasked(BlockOperation operation, long bytes, long now) {}

                @Override
                public void close() {
                    users--;
                }
            };
        }
    }

    @Test
    void thePolicyOfItsRatesChangesInPlace() {
        var policy = new Policy();
        context.with(BlockRatePolicy.class, policy);
        VhbaSpec plain = spec(lun(0, "one", false));
        VhbaSpec gold = plain.withQosPolicy(Optional.of("gold"));
        assertThat(kind.references(gold)).contains(new Reference(Kinds.DISK_QOS_POLICY, "gold"));
        Realization running = kind.realize(METADATA, gold, context);
        assertThat(policy.users).isEqualTo(1);
        assertThat(running.status().attributes()).containsEntry("qosPolicy", "gold");
        assertThat(running.status().metrics())
                .anyMatch(metric -> metric.name().equals("qos_waits_total"));
        assertThat(kind.update(running, METADATA, gold, plain, context))
                .isEqualTo(UpdateResult.IN_PLACE);
        assertThat(policy.users).isZero();
        policy.refuses = true;
        assertThat(kind.update(running, METADATA, plain, gold, context))
                .isEqualTo(new UpdateResult.Refused("not for vHBA db1."));
        assertThat(running.status().attributes()).doesNotContainKey("qosPolicy");
        policy.refuses = false;
        kind.update(running, METADATA, plain, gold, context);
        close(running);
        assertThat(policy.users).isZero();
        policy.refuses = true;
        assertThatThrownBy(() -> kind.realize(METADATA, gold, context))
                .isInstanceOf(ResourceException.class)
                .hasMessage("it cannot have its rates: not for vHBA db1");
    }

    @Test
    void aDiskThatTwoHbasMapIsClaimedOnce() {
        VhbaSpec spec = spec(lun(0, "one", false));
        Realization first = kind.realize(METADATA, spec, context);
        Realization second = kind.realize(Metadata.of("db2", "2"), spec, context);
        assertThat(claims).containsExactly("taken");
        close(first);
        assertThat(claims).containsExactly("taken");
        close(second);
        assertThat(claims).containsExactly("taken", "given back");
    }

    @Test
    void whatCannotBePresentedIsGivenBack() {
        transport.failures = List.of(new ResourceException(ErrorCode.UNAVAILABLE, "no"));
        assertThatThrownBy(() -> kind.realize(METADATA, spec(lun(0, "one", false)), context))
                .isInstanceOf(ResourceException.class);
        Eventually.until("the claim is given back", () -> claims.contains("given back"));
    }

    @Test
    void mistakesAreNamedWhereTheyAre() {
        VhbaSpec wrong = spec(lun(0, "one", true), lun(0, "two", true), lun(2, "one", false));
        assertThat(kind.validate(METADATA, wrong))
                .extracting(Violation::pointer)
                .containsExactly("/spec/luns/1/lun", "/spec/luns/1/boot", "/spec/luns/2/vdisk");
        assertThat(kind.references(wrong))
                .containsExactly(
                        new Reference(Kinds.VDISK, "one"), new Reference(Kinds.VDISK, "two"));
    }

    @Test
    void namesAreThoseOfTheSpec() {
        VhbaSpec given =
                spec().withNames(
                                Optional.of("50:01:43:80:DE:AD:BE:EF"),
                                Optional.of("50014380deadbeee"),
                                Optional.of("iqn.2026-11.test:x"));
        assertThat(VhbaIdentity.of(given))
                .isEqualTo(
                        new VhbaIdentity(
                                0x50014380deadbeefL, 0x50014380deadbeeeL, "iqn.2026-11.test:x"));
        VhbaSpec nameless = given.withNames(given.wwpn(), given.wwnn(), Optional.empty());
        assertThatThrownBy(() -> kind.realize(METADATA, nameless, context))
                .hasMessage("it has no iqn: declare it once more");
    }
}
