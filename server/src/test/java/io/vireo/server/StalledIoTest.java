package io.vireo.server;

import static io.vireo.testkit.VhostUserFrontEnd.ADD_MEM_REG;
import static io.vireo.testkit.VhostUserFrontEnd.REM_MEM_REG;
import static io.vireo.testkit.VhostUserFrontEnd.payload;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.ExclusiveUse;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.linux.Memfd;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.DurableState;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VdiskAttachmentSpec;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.FakeContext;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryState;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import io.vireo.transport.VirtioTransport;
import io.vireo.transport.vhostuser.VhostUserTransport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The front end takes memory away while the disk sits on a request that refers to it, for however
 * long: the memory stays mapped until the request has ended, and is given back then.
 */
class StalledIoTest {
    private static final String NAME = "vireo-stalled-io";
    private static final long GUEST = 0x9000_0000L;
    private static final int SIZE = 64 * 1024;
    private static final int SECTOR = 512;
    private static final byte PENDING = 99;

    @TempDir private Path directory;
    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1, -1), PollMode.ADAPTIVE);
    private final MemoryBlockDevice disk = new MemoryBlockDevice(1 << 20, SECTOR);
    private final DriverMemory memory = new DriverMemory(1 << 20);
    private final FakeContext context = new FakeContext();
    private Realization attachment;
    private VhostUserSession session;

    @BeforeEach
    void open() {
        attachment = realize();
        session = VhostUserSession.open(directory.resolve("disk.sock"), memory);
    }

    @AfterEach
    void close() {
        disk.release();
        session.close();
        context.close(attachment);
        reactors.close();
        disk.close();
        memory.close();
    }

    private Realization realize() {
        context.with(BlockDevice.class, disk)
                .with(DurableState.class, new MemoryState())
                .with(ExclusiveUse.class, (_, _) -> () -> {})
                .with(ReactorGroup.class, reactors)
                .with(RuntimeDirectory.class, new RuntimeDirectory(directory))
                .with(
                        VirtioTransport.class,
                        new VhostUserTransport(
                                reactors, VhostUserTransport.Configuration.defaults()));
        var spec =
                new VdiskAttachmentSpec(
                        "web1",
                        "disk0",
                        "data",
                        "SERIAL",
                        false,
                        1,
                        OptionalInt.empty(),
                        SocketMode.SERVER,
                        Optional.of(directory.resolve("disk.sock").toString()));
        try {
            // On the class path there are no providers: those are in the module descriptors.
            @SuppressWarnings("unchecked") // The kind of this name has this spec.
            var kind =
                    (ResourceKind<VdiskAttachmentSpec>)
                            Class.forName("io.vireo.device.virtio.blk.VdiskAttachmentKind")
                                    .getConstructor()
                                    .newInstance();
            return context.realize(kind, Metadata.of("web1.disk0", "1"), spec);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void memoryThatIsRemovedStaysUntilTheRequestEnds() throws Exception {
        stall(region -> session.tell(REM_MEM_REG, region));
    }

    @Test
    void memoryThatIsReplacedStaysUntilTheRequestEnds() throws Exception {
        stall(_ -> {
            for (int i = 0; i < 20; i++) {
                session.shareMemory();
            }
        });
    }

    private interface Change {
        void make(ByteBuffer region);
    }

    private void stall(Change change) throws Exception {
        try (var file = Memfd.create(NAME, SIZE, Memfd.MFD_ALLOW_SEALING);
                var mine =
                        Mapping.map(file, 0, SIZE, Mapping.PROT_READ | Mapping.PROT_WRITE, true)) {
            var region = payload(40).putLong(8, GUEST).putLong(16, SIZE).putLong(24, GUEST);
            session.tell(ADD_MEM_REG, region, file);
            assertThat(mappings()).isEqualTo(2);
            var ring = session.start(0, 16);
            write(ring, 0, mine, 0x55);
            disk.fate(_ -> MemoryBlockDevice.Fate.HELD);
            disk.logging(true);
            int before = disk.log().size();
            ForeignMemory.fill(mine.address(), SIZE, (byte) 0);
            long status = request(ring, 0, 0, GUEST);
            Eventually.until("the disk has the request", () -> disk.log().size() == before + 1);

            change.make(region);
            // Other requests go on meanwhile, without that memory.
            disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
            long other = request(ring, 1, 8, memory.allocate(SECTOR, SECTOR));
            VhostUserSession.awaitUsed(ring);
            assertThat(ForeignMemory.getByte(memory.host(other))).isZero();
            assertThat(ForeignMemory.getByte(memory.host(status))).isEqualTo(PENDING);
            assertThat(mappings()).as("the stalled request's memory is mapped").isEqualTo(2);

            disk.release();
            VhostUserSession.awaitUsed(ring);
            assertThat(ForeignMemory.getByte(memory.host(status))).isZero();
            assertThat(ForeignMemory.getByte(mine.address())).isEqualTo((byte) 0x55);
            assertThat(ForeignMemory.getByte(mine.address() + SECTOR - 1)).isEqualTo((byte) 0x55);
            Eventually.until("the memory is given back", () -> mappings() == 1);
        }
    }

    private void write(Ring ring, long sector, Mapping mine, int value) {
        ForeignMemory.fill(mine.address(), SECTOR, (byte) value);
        long status = request(ring, 1, sector, GUEST);
        VhostUserSession.awaitUsed(ring);
        assertThat(ForeignMemory.getByte(memory.host(status))).isZero();
    }

    /** Reads (0) or writes (1) a sector. Returns where the status will be. */
    private long request(Ring ring, int type, long sector, long data) {
        long header = memory.allocate(32, 16);
        long status = header + 16;
        ForeignMemory.putInt(memory.host(header), type);
        ForeignMemory.putLong(memory.host(header) + 8, sector);
        ForeignMemory.putByte(memory.host(status), PENDING);
        ring.queue()
                .add(
                        new long[] {header, data, status},
                        new int[] {16, SECTOR, 1},
                        3,
                        type == 1 ? 2 : 1);
        VhostUserSession.publish(ring);
        return status;
    }

    private static long mappings() {
        try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains(NAME)).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
