package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;

/** A target with two units, each on a reactor of its own. */
abstract class TwoUnitsBed {
    protected static final int BLOCKS = (int) (ScsiBed.CAPACITY / BLOCK);

    protected final ScsiBed bed = new ScsiBed();
    protected final MemoryBlockDevice second = new MemoryBlockDevice(ScsiBed.CAPACITY, BLOCK);
    protected final LogicalUnit other =
            new LogicalUnit(
                    UnitIdentity.of("disk2", "uid of disk2"),
                    bed.groups.take("disk2"),
                    second,
                    bed.other,
                    new ScsiBed.MemoryStore(),
                    new ScsiBed.MemoryStore(),
                    new SharedRoom(bed.pool));

    TwoUnitsBed() {
        ScsiBed.map(
                bed.target,
                new UnitTarget.Mapping(0, bed.unit, false),
                new UnitTarget.Mapping(1, other, false));
    }

    @AfterEach
    void close() {
        second.release();
        ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, false));
        var closed = new CompletableFuture<Boolean>();
        other.close(() -> closed.complete(true));
        BlockClient.await(closed);
        bed.close();
        second.close();
    }

    protected ScsiClient client(int number, boolean direct) {
        return bed.client(number, direct ? bed.owner : bed.other).ready(1);
    }

    protected static byte[] random(int length) {
        byte[] data = new byte[length];
        new Random(length).nextBytes(data);
        return data;
    }

    protected void fill(ScsiClient client, byte[] data) {
        String blocks = HexFormat.of().toHexDigits((short) (data.length / BLOCK));
        assertThat(client.out(0, "2A000000000000" + blocks + "00", data).good()).isTrue();
    }
}
