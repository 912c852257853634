package io.vireo.adapter.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.linux.Fd;
import io.vireo.linux.FileStat;
import io.vireo.linux.PathCalls;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.BlockDeviceContract;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What every engine for image files does. */
@SuppressWarnings("NullAway.Init") // make() runs before each test
public abstract class ImageContract extends BlockDeviceContract {
    private Fd folder;
    private ImageFile image;

    protected abstract HostIoSource engines();

    @Override
    protected BlockDevice make() throws Exception {
        try (var file = new java.io.RandomAccessFile(path().toFile(), "rw")) {
            file.setLength(CAPACITY);
        }
        folder = ImageFile.openDirectory(directory);
        image = ImageFile.open(folder, "image.raw", true, BLOCK);
        return new ImageDevice(image, engines(), BLOCK, 4096);
    }

    private Path path() {
        return directory.resolve("image.raw");
    }

    @Override
    protected void unmake() {
        image.close();
        folder.close();
    }

    @Test
    void goesAroundThePageCacheHere() {
        // The file systems that tests run on can do so; else half of this suite tests nothing.
        assertThat(image.direct()).isTrue();
    }

    @Test
    void keepsWholeWhatTheDiskBelowDoes() throws Exception {
        try (Fd file = ImageFile.openConfined(folder, "image.raw", PathCalls.O_RDONLY, 0)) {
            assertThat(new ImageDevice(image, engines(), BLOCK, 4096).geometry().atomicWriteSize())
                    .isEqualTo(BlockTopology.HOST.atomicWriteSize(file, FileStat.of(file)));
        }
    }

    @Test
    void readsZeroesPastTheEndOfAFileThatBecameShorter() throws Exception {
        byte[] data = bytes(random(), 16 * BLOCK);
        assertThat(client.write(0, data)).isEqualTo(BlockStatus.OK);
        for (int length : new int[] {8 * BLOCK, 7 * BLOCK + 100, 0}) {
            try (var file = FileChannel.open(path(), StandardOpenOption.WRITE)) {
                file.truncate(length);
            }
            byte[] expected = new byte[16 * BLOCK];
            System.arraycopy(data, 0, expected, 0, length);
            assertThat(client.read(0, data.length)).as("length " + length).isEqualTo(expected);
        }
    }

    @Test
    void tellsHolesFromWhatHasRoom() throws Exception {
        int unit = 1 << 16;
        assertThat(mapped(0, CAPACITY)).isEqualTo(-CAPACITY);
        assertThat(client.write(2 * unit, bytes(random(), unit))).isEqualTo(BlockStatus.OK);
        assertThat(mapped(0, CAPACITY)).isEqualTo(-2 * unit);
        assertThat(mapped(unit, BLOCK)).isEqualTo(-BLOCK);
        assertThat(mapped(2 * unit, CAPACITY - 2 * unit)).isEqualTo(unit);
        assertThat(mapped(2 * unit + BLOCK, BLOCK)).isEqualTo(BLOCK);
        assertThat(mapped(3 * unit, CAPACITY - 3 * unit)).isEqualTo(3 * unit - CAPACITY);
        assertThat(client.run(BlockOperation.DISCARD, 2 * unit, unit / 2))
                .isEqualTo(BlockStatus.OK);
        assertThat(mapped(0, CAPACITY)).isEqualTo(-2 * unit - unit / 2);
        // What keeps its room reads as zeroes, and is mapped.
        var zeroes =
                client.start(BlockOperation.WRITE_ZEROES, 0, unit, request -> request.unmap(false));
        assertThat(BlockClient.await(zeroes)).isEqualTo(BlockStatus.OK);
        assertThat(mapped(0, CAPACITY)).isEqualTo(unit);
        try (var file = FileChannel.open(path(), StandardOpenOption.WRITE)) {
            file.truncate(unit);
        }
        assertThat(mapped(unit, CAPACITY - unit)).isEqualTo(unit - CAPACITY);
    }

    /** Bytes that the file takes on the disk below. */
    private long room() throws Exception {
        try (Fd file = ImageFile.openConfined(folder, "image.raw", PathCalls.O_RDONLY, 0)) {
            return FileStat.of(file).blocks() * 512;
        }
    }

    @Test
    void whatIsDiscardedOrUnmappedTakesNoRoomBelow() throws Exception {
        int half = CAPACITY / 2;
        for (var operation : List.of(BlockOperation.DISCARD, BlockOperation.WRITE_ZEROES)) {
            for (int at = 0; at < CAPACITY; at += half) {
                assertThat(client.write(at, bytes(random(), half))).isEqualTo(BlockStatus.OK);
            }
            assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
            long full = room();
            assertThat(full).isGreaterThanOrEqualTo(CAPACITY);
            var zeroes =
                    client.start(
                            BlockOperation.WRITE_ZEROES, 0, half, request -> request.unmap(false));
            assertThat(BlockClient.await(zeroes)).isEqualTo(BlockStatus.OK);
            assertThat(room()).as("zeroes that keep their room").isGreaterThanOrEqualTo(CAPACITY);
            var freed =
                    client.start(
                            operation,
                            half,
                            half,
                            request -> request.unmap(operation == BlockOperation.WRITE_ZEROES));
            assertThat(BlockClient.await(freed)).isEqualTo(BlockStatus.OK);
            assertThat(full - room()).as("%s", operation).isGreaterThanOrEqualTo(half);
            assertThat(client.run(BlockOperation.DISCARD, 0, CAPACITY)).isEqualTo(BlockStatus.OK);
            assertThat(room()).isLessThan(half);
        }
        assertThat(Files.size(path())).isEqualTo(CAPACITY);
    }

    @Test
    void setsRoomAside() throws Exception {
        int unit = 1 << 16;
        assertThat(client.run(BlockOperation.ALLOCATE, unit, 2 * unit)).isEqualTo(BlockStatus.OK);
        assertThat(mapped(0, CAPACITY)).isEqualTo(-unit);
        assertThat(mapped(unit, CAPACITY - unit)).isEqualTo(2 * unit);
        assertThat(client.read(0, 4 * unit)).containsOnly(0);
        assertThat(Files.size(path())).isEqualTo(CAPACITY);
    }

    @Test
    void growsWhileInUse() throws Exception {
        var told = new java.util.concurrent.atomic.AtomicInteger();
        device.addGeometryListener(told::incrementAndGet);
        ((ImageDevice) device).grow(2L * CAPACITY);
        assertThat(told).hasValue(1);
        assertThat(device.geometry().capacity()).isEqualTo(2L * CAPACITY);
        assertThat(Files.size(path())).isEqualTo(2L * CAPACITY);
        assertThat(client.write(2L * CAPACITY - BLOCK, new byte[BLOCK])).isEqualTo(BlockStatus.OK);
    }
}
