package io.vireo.device.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.ExclusiveUse;
import io.vireo.device.virtio.FakePool;
import io.vireo.device.virtio.NoState;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Whom a disk is told that it is used by, where vHBAs share its unit. */
final class UnitUsersTest {
    private volatile String user = "";

    private final class Claimed implements ExclusiveUse.Claim {
        @Override
        public void heldBy(String others) {
            user = others;
        }

        @Override
        public void release() {
            user = "";
        }
    }

    private ExclusiveUse.Claim claim(String first, boolean readOnly) {
        assertThat(user).isEmpty();
        assertThat(readOnly).isFalse();
        user = first;
        return new Claimed();
    }

    @Test
    void areItsVhbasByName() {
        ReactorGroup reactors = ReactorGroup.start(List.of(-1), PollMode.ADAPTIVE);
        var units = new ScsiUnits(reactors, new NoState());
        var disk =
                new ScsiUnits.Disk(
                        "one",
                        "uid",
                        new MemoryBlockDevice(1 << 20, 512),
                        this::claim,
                        new FakePool());
        ScsiUnits.Hba first = units.open("db1.hba0", 1, 2);
        ScsiUnits.Hba second = units.open("db2", 3, 4);
        first.map(List.of(new ScsiUnits.Lun(0, disk, false), new ScsiUnits.Lun(7, disk, true)));
        assertThat(user).isEqualTo("vHBA db1.hba0");
        second.map(List.of(new ScsiUnits.Lun(1, disk, false)));
        assertThat(user).isEqualTo("vHBA db1.hba0, vHBA db2");
        close(first);
        assertThat(user).isEqualTo("vHBA db2");
        close(second);
        assertThat(user).isEmpty();
        reactors.close();
    }

    private static void close(ScsiUnits.Hba hba) {
        var closed = new CompletableFuture<Boolean>();
        hba.close(() -> closed.complete(true));
        BlockClient.await(closed);
    }
}
