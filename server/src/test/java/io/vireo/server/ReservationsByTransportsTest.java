package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockPool;
import io.vireo.block.DiskIdentity;
import io.vireo.block.ExclusiveUse;
import io.vireo.block.PooledVolume;
import io.vireo.device.scsi.ScsiUnits;
import io.vireo.device.virtio.scsi.VhbaKind;
import io.vireo.linux.ForeignMemory;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.Secrets;
import io.vireo.resource.Spec;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.IscsiPortalSpec;
import io.vireo.resource.spec.IscsiTargetSpec;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VhbaSpec;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.EmptyPool;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryState;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import io.vireo.transport.VirtioTransport;
import io.vireo.transport.iscsi.IscsiPortalKind;
import io.vireo.transport.iscsi.IscsiTargetKind;
import io.vireo.transport.iscsi.IscsiTransport;
import io.vireo.transport.vhostuser.VhostUserTransport;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What one logical unit knows of initiators, reservations above all: one which an initiator reaches
 * by vhost-user (virtio-scsi) and another by iSCSI over TCP, through all that lies between.
 */
@Timeout(120)
class ReservationsByTransportsTest {
    private static final String TARGET = "iqn.2026-11.test:hba";
    private static final String INITIATOR = "iqn.2026-11.test:initiator";
    private static final String WWPN = "3000000000000001";
    private static final int BLOCK = 512;
    private static final int GOOD = 0x00;
    private static final int CHECK_CONDITION = 0x02;
    private static final int CONFLICT = 0x18;
    private static final byte[] NOTHING = {};

    private static final String READ = "28000000000000000100";
    private static final String WRITE = "2A000000000000000100";
    private static final String READY = "000000000000";
    private static final String RESERVE_6 = "160000000000";
    private static final String RELEASE_6 = "170000000000";

    /** PERSISTENT RESERVE OUT: its service action, and the type of a reservation. */
    private static final String REGISTER = "5F000000000000001800";

    private static final String RESERVE_WRITE_EXCLUSIVE = "5F010100000000001800";
    private static final String RESERVE_REGISTRANTS_ONLY = "5F010500000000001800";
    private static final String PREEMPT_WRITE_EXCLUSIVE = "5F040100000000001800";
    private static final String CLEAR = "5F030000000000001800";
    private static final String FULL_STATUS = "5E030000000000040000";

    /** What came of a command. */
    private record Outcome(int status, int code, byte[] data) {
        static Outcome of(int status, byte[] sense, byte[] data) {
            int code =
                    status == CHECK_CONDITION
                            ? (sense[2] & 0xF) << 16 | (sense[12] & 0xFF) << 8 | sense[13] & 0xFF
                            : 0;
            return new Outcome(status, code, data);
        }
    }

    @TempDir private Path directory;

    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1, -1), PollMode.INTERRUPT);
    private final MemoryBlockDevice disk = new MemoryBlockDevice(1 << 20, BLOCK);
    private final IscsiTransport iscsi = new IscsiTransport(reactors);
    private final ScsiUnits units = new ScsiUnits(reactors, new MemoryState());
    private final Map<Reference, Realization> running = new HashMap<>();
    private final DriverMemory memory = new DriverMemory(16 << 20);
    private final Context context = new Context();
    private VhostUserSession guest;
    private VhostUserSession.Ring requests;

    @BeforeEach
    void present() {
        var lun = new VhbaSpec.Lun(0, "disk", false, false, false);
        realize(
                new VhbaKind(),
                "hba",
                new VhbaSpec(
                        List.of(lun),
                        Optional.of(WWPN),
                        Optional.of("3000000000000002"),
                        Optional.of(TARGET),
                        1,
                        SocketMode.SERVER,
                        Optional.of(directory.resolve("hba.sock").toString()),
                        VhbaSpec.Access.OPTIMIZED,
                        VhbaSpec.QUEUE_DEPTH_MAX,
                        Optional.empty(),
                        AdminState.UP,
                        30));
        realize(new IscsiPortalKind(), "san", new IscsiPortalSpec("::1", 0, 7, Optional.empty()));
        realize(
                new IscsiTargetKind(),
                "hba",
                new IscsiTargetSpec(
                        "hba",
                        Optional.empty(),
                        List.of("san"),
                        List.of(INITIATOR),
                        Optional.empty(),
                        Optional.empty()));
        guest = VhostUserSession.open(directory.resolve("hba.sock"), memory);
        guest.start(0, 16);
        guest.start(1, 16);
        requests = guest.start(2, 16);
        while (guest(READY, NOTHING, 0).status() == CHECK_CONDITION) {
            // Its unit attentions.
        }
    }

    private <S extends Spec> void realize(ResourceKind<S> kind, String name, S spec) {
        var made = kind.realize(Metadata.of(name, "uid of " + name), spec, context);
        running.put(new Reference(kind.kind(), name), made);
    }

    @AfterEach
    void close() throws Exception {
        guest.close();
        for (String kind : List.of(Kinds.ISCSI_TARGET, Kinds.ISCSI_PORTAL, Kinds.VHBA)) {
            String name = kind.equals(Kinds.ISCSI_PORTAL) ? "san" : "hba";
            var closed = new CompletableFuture<Boolean>();
            running(new Reference(kind, name)).close(() -> closed.complete(true));
            BlockClient.await(closed);
        }
        iscsi.close();
        reactors.close();
        disk.close();
        memory.close();
    }

    private Realization running(Reference reference) {
        return Objects.requireNonNull(running.get(reference), reference::toString);
    }

    /** A command of the guest. */
    private Outcome guest(String cdb, byte[] out, int room) {
        byte[] request = new byte[51 + out.length];
        request[0] = 1;
        byte[] bytes = HexFormat.of().parseHex(cdb);
        System.arraycopy(bytes, 0, request, 19, bytes.length);
        System.arraycopy(out, 0, request, 51, out.length);
        int answer = 108 + room;
        long at = memory.allocate(request.length, 16);
        long in = memory.allocate(answer, 16);
        ForeignMemory.copyFromArray(request, 0, memory.host(at), request.length);
        requests.queue().add(new long[] {at, in}, new int[] {request.length, answer}, 2, 1);
        VhostUserSession.publish(requests);
        VhostUserSession.awaitUsed(requests);
        byte[] got = new byte[answer];
        ForeignMemory.copyToArray(memory.host(in), got, 0, answer);
        assertThat(got[11]).as("response").isZero();
        return Outcome.of(
                got[10], Arrays.copyOfRange(got, 12, 108), Arrays.copyOfRange(got, 108, answer));
    }

    private IscsiInitiator login(long isid) throws IOException {
        String address =
                Objects.requireNonNull(
                        running(new Reference(Kinds.ISCSI_PORTAL, "san"))
                                .status()
                                .attributes()
                                .get("address"));
        int port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
        var initiator =
                new IscsiInitiator(new InetSocketAddress("::1", port), INITIATOR).isid(isid);
        IscsiPdu response =
                initiator.login(TARGET, Map.of("ImmediateData", "Yes", "InitialR2T", "Yes"));
        assertThat(response.u16(36)).isZero();
        while (remote(initiator, READY, NOTHING, 0).status() == CHECK_CONDITION) {
            // Its unit attentions.
        }
        return initiator;
    }

    /** A command of the other machine. */
    private static Outcome remote(IscsiInitiator initiator, String cdb, byte[] out, int room)
            throws IOException {
        byte[] padded = Arrays.copyOf(HexFormat.of().parseHex(cdb), 16);
        int flags = out.length > 0 ? 0xA1 : room > 0 ? 0xC1 : 0x81;
        IscsiPdu answer =
                initiator.exchange(
                        initiator.command(flags, 0, Math.max(out.length, room), padded).data(out));
        boolean data = answer.opcode() == 0x25;
        byte[] sense = answer.u8(3) == CHECK_CONDITION ? answer.data() : NOTHING;
        return Outcome.of(
                answer.u8(3),
                sense.length == 0 ? NOTHING : Arrays.copyOfRange(sense, 2, sense.length),
                data ? answer.data() : NOTHING);
    }

    /** Parameters of PERSISTENT RESERVE OUT. */
    private static byte[] keys(long own, long other) {
        return HexFormat.of().parseHex("%016x%016x%016x".formatted(own, other, 0L));
    }

    @Test
    void whatTheGuestReservesKeepsTheOtherOut() throws IOException {
        try (IscsiInitiator other = login(1)) {
            assertThat(guest(REGISTER, keys(0, 0xAA), 0).status()).isEqualTo(GOOD);
            assertThat(guest(RESERVE_WRITE_EXCLUSIVE, keys(0xAA, 0), 0).status()).isEqualTo(GOOD);
            assertThat(remote(other, READ, NOTHING, BLOCK).status()).isEqualTo(GOOD);
            assertThat(remote(other, WRITE, new byte[BLOCK], 0).status()).isEqualTo(CONFLICT);
            assertThat(remote(other, RESERVE_WRITE_EXCLUSIVE, keys(0xBB, 0), 0).status())
                    .isEqualTo(CONFLICT);
            assertThat(remote(other, REGISTER, keys(0, 0xBB), 0).status()).isEqualTo(GOOD);
            assertThat(remote(other, WRITE, new byte[BLOCK], 0).status()).isEqualTo(CONFLICT);
            // Each is shown as what it is: of Fibre Channel and of iSCSI.
            String all = HexFormat.of().formatHex(remote(other, FULL_STATUS, NOTHING, 1024).data());
            assertThat(all)
                    .contains("00000000000000aa" + "00000000" + "0101")
                    .contains("0000000000000000" + WWPN)
                    .contains("00000000000000bb" + "00000000" + "0000")
                    .contains(
                            HexFormat.of()
                                    .formatHex(INITIATOR.getBytes(StandardCharsets.US_ASCII)));
            assertThat(remote(other, PREEMPT_WRITE_EXCLUSIVE, keys(0xBB, 0xAA), 0).status())
                    .isEqualTo(GOOD);
            assertThat(remote(other, WRITE, new byte[BLOCK], 0).status()).isEqualTo(GOOD);
            // REGISTRATIONS PREEMPTED, and then kept out.
            assertThat(guest(WRITE, new byte[BLOCK], 0).code()).isEqualTo(0x062A05);
            assertThat(guest(WRITE, new byte[BLOCK], 0).status()).isEqualTo(CONFLICT);
            assertThat(guest(READ, NOTHING, BLOCK).status()).isEqualTo(GOOD);
        }
    }

    @Test
    void whatTheOtherReservesStaysWhenItIsGoneAndIsNotTheNextOnes() throws IOException {
        try (IscsiInitiator other = login(1)) {
            assertThat(remote(other, REGISTER, keys(0, 0xBB), 0).status()).isEqualTo(GOOD);
            assertThat(remote(other, RESERVE_REGISTRANTS_ONLY, keys(0xBB, 0), 0).status())
                    .isEqualTo(GOOD);
            assertThat(guest(WRITE, new byte[BLOCK], 0).status()).isEqualTo(CONFLICT);
        }
        assertThat(guest(WRITE, new byte[BLOCK], 0).status()).isEqualTo(CONFLICT);
        // Another port of the same initiator is not registered; the first one still is.
        try (IscsiInitiator stranger = login(2);
                IscsiInitiator again = login(1)) {
            assertThat(remote(stranger, WRITE, new byte[BLOCK], 0).status()).isEqualTo(CONFLICT);
            assertThat(remote(again, WRITE, new byte[BLOCK], 0).status()).isEqualTo(GOOD);
            assertThat(guest(REGISTER, keys(0, 0xAA), 0).status()).isEqualTo(GOOD);
            assertThat(guest(WRITE, new byte[BLOCK], 0).status()).isEqualTo(GOOD);
            assertThat(guest(CLEAR, keys(0xAA, 0), 0).status()).isEqualTo(GOOD);
            // RESERVATIONS PREEMPTED, for who was registered.
            assertThat(remote(again, READY, NOTHING, 0).code()).isEqualTo(0x062A03);
            assertThat(remote(stranger, WRITE, new byte[BLOCK], 0).status()).isEqualTo(GOOD);
        }
    }

    @Test
    void aSessionThatIsReinstatedKnowsOfTheCacheWhatTheOneBeforeItWasTold() throws IOException {
        disk.writeThrough(true);
        try (IscsiInitiator _ = told(login(1))) {
            disk.writeThrough(false);
            try (IscsiInitiator reinstated = login(1);
                    IscsiInitiator stranger = login(2)) {
                assertThat(remote(reinstated, WRITE, new byte[BLOCK], 0).status()).isEqualTo(GOOD);
                assertThat(remote(stranger, WRITE, new byte[BLOCK], 0).status()).isEqualTo(GOOD);
                told(reinstated);
                assertThat(remote(reinstated, WRITE, new byte[BLOCK], 0).status()).isEqualTo(GOOD);
            }
        }
        assertThat(disk.log())
                .filteredOn(entry -> entry.operation() == BlockOperation.WRITE)
                .filteredOn(entry -> !entry.completion())
                .extracting(MemoryBlockDevice.Entry::durable)
                .containsExactly(true, false, false);
    }

    /** An initiator that reads the caching mode page. */
    private static IscsiInitiator told(IscsiInitiator initiator) throws IOException {
        assertThat(remote(initiator, "1A080800FF00", NOTHING, 255).status()).isEqualTo(GOOD);
        return initiator;
    }

    @Test
    void reserveAndReleaseOfOldHoldAcrossBothAndEndWithTheSession() throws IOException {
        try (IscsiInitiator other = login(1)) {
            assertThat(guest(RESERVE_6, NOTHING, 0).status()).isEqualTo(GOOD);
            assertThat(remote(other, READ, NOTHING, BLOCK).status()).isEqualTo(CONFLICT);
            assertThat(remote(other, RESERVE_6, NOTHING, 0).status()).isEqualTo(CONFLICT);
            // Who has none releases none.
            assertThat(remote(other, RELEASE_6, NOTHING, 0).status()).isEqualTo(GOOD);
            assertThat(remote(other, READ, NOTHING, BLOCK).status()).isEqualTo(CONFLICT);
            assertThat(guest(RELEASE_6, NOTHING, 0).status()).isEqualTo(GOOD);
            assertThat(remote(other, RESERVE_6, NOTHING, 0).status()).isEqualTo(GOOD);
            assertThat(guest(READ, NOTHING, BLOCK).status()).isEqualTo(CONFLICT);
        }
        Eventually.until(
                "the daemon has seen the end of the session",
                () -> guest(READ, NOTHING, BLOCK).status() != CONFLICT);
    }

    /** The host, as kinds see it. */
    private final class Context implements RealizeContext {
        private final VirtioTransport transport =
                new VhostUserTransport(reactors, VhostUserTransport.Configuration.defaults());

        @Override
        public <T> T require(Reference reference, Class<T> contract) {
            if (!reference.kind().equals(Kinds.VDISK)) {
                return running(reference).contract(contract).orElseThrow();
            }
            ExclusiveUse use = (_, _) -> () -> {};
            Map<Class<?>, Object> contracts =
                    Map.of(
                            BlockDevice.class,
                            disk,
                            DiskIdentity.class,
                            new DiskIdentity("uid"),
                            ExclusiveUse.class,
                            use,
                            PooledVolume.class,
                            new InPool());
            return contract.cast(Objects.requireNonNull(contracts.get(contract)));
        }

        @Override
        public <T> T service(Class<T> type) {
            Secrets secrets = new SecretFiles(directory);
            Map<Class<?>, Object> services =
                    Map.of(
                            ScsiUnits.class, units,
                            IscsiTransport.class, iscsi,
                            ReactorGroup.class, reactors,
                            VirtioTransport.class, transport,
                            Secrets.class, secrets,
                            RuntimeDirectory.class, new RuntimeDirectory(directory));
            return type.cast(Objects.requireNonNull(services.get(type), type::toString));
        }

        @Override
        public boolean provisioned() {
            return false;
        }

        @Override
        public Runnable statusChanged() {
            return () -> {};
        }
    }

    /** A volume of a pool without limits. */
    private static final class InPool extends EmptyPool implements PooledVolume {
        @Override
        public BlockPool pool() {
            return this;
        }

        @Override
        public String volumeName() {
            return "disk";
        }
    }
}
