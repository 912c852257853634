package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A pool that a newer Vireo has written to is refused, and nothing on its disk is changed. */
class FutureFormatTest {
    private static final int BLOCK = 4096;
    private static final int[] SUPERBLOCKS = {0, 512 << 10};

    private final Reactor home = Reactor.stepped("future");
    private final DiskImage image = new DiskImage(4 << 20);
    private final SimulatedDisk disk = new SimulatedDisk(0, image, new DiskLog(), 1, true);
    private final List<BlockOperation> changes = new ArrayList<>();

    @AfterEach
    void close() {
        home.close();
    }

    @ParameterizedTest
    @CsvSource({"3, 0, version 3", "2, 0x40000000, features 1073741824"})
    void isRefusedAndLeftAlone(int version, String features, String said) {
        disk.logging(false);
        StoragePool.create(PoolStore.CONFIG, List.of(disk), home);
        StoragePool.open(List.of(disk), home, PoolStore.OPTIONS).close();
        for (int at : SUPERBLOCKS) {
            claim(at, version, Integer.decode(features));
        }
        disk.faults(request -> {
            if (request.operation() != BlockOperation.READ
                    && request.operation() != BlockOperation.FLUSH) {
                changes.add(request.operation());
            }
            return DiskFault.NONE;
        });
        List<BlockDevice> disks = List.of(disk);
        assertThatThrownBy(() -> StoragePool.open(disks, home, PoolStore.OPTIONS))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining(said)
                .hasMessageContaining("newer");
        assertThat(PoolCheck.run(disks, home).isSound()).isFalse();
        assertThat(changes).isEmpty();
    }

    /** Has a superblock say that it is of another version, with a right checksum. */
    private void claim(int at, int version, int features) {
        byte[] block = image.read(at, BLOCK);
        ByteBuffer fields = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN);
        fields.putInt(8, version).putInt(112, features);
        var crc = new CRC32C();
        crc.update(block, 8, BLOCK - 8);
        fields.putInt(4, (int) crc.getValue());
        image.write(at, block, 0, BLOCK);
    }
}
