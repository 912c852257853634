package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.pool.DrainStatus.State;
import io.vireo.fabric.storage.pool.PoolModel.Shape;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.PoolReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A reader that was written from {@code docs/pool-format.md} alone gets from the disks what the
 * volumes hold. Replays with {@code -Dvireo.seed=N}.
 */
@Tag("endurance")
class SecondReaderTest {
    private static final int CHUNK = 16 << 10;
    private static final int STEPS = 400;
    private static final PoolConfig CONFIG = new PoolConfig(CHUNK, 64 << 10, true, true);

    private final Reactor home = Reactor.stepped("second-reader");
    private final List<MemoryBlockDevice> disks = new ArrayList<>();
    private int looks;

    @TempDir Path directory;

    @AfterEach
    void close() {
        disks.forEach(MemoryBlockDevice::close);
        home.close();
    }

    /** Thin volumes, snapshots and clones, after a clean end and after abandoned ones. */
    @ParameterizedTest
    @CsvSource({"2,1,false", "2,1,true", "2,2,false", "3,3,true", "4,2,true"})
    void readsWhatVolumesHold(int count, int copies, boolean checksums) throws Exception {
        disks(count);
        var shape = new Shape(CONFIG.withCopies(copies), 24, checksums, false);
        var model = new PoolModel(shape, members(), home, CrashBed.seed());
        for (int i = 0; i < STEPS; i++) {
            model.step();
        }
        model.end(true);
        assertThat(compare(model)).isZero();
        int replayed = 0;
        for (int round = 0; round < 4; round++) {
            model.open();
            for (int i = 0; i < 30; i++) {
                model.step();
            }
            model.create();
            model.end(false);
            replayed += compare(model);
        }
        assertThat(replayed).isPositive();
    }

    /** The first member, which had the journal, has left. */
    @Test
    void findsAJournalThatHasMoved() throws Exception {
        disks(2);
        var model = new PoolModel(new Shape(CONFIG, 24, true, false), members(), home, 1);
        model.create();
        for (int i = 0; i < 40; i++) {
            model.requests();
        }
        disks(1);
        model.pool().addMember(disks.get(2), true);
        model.pool().drain(disks.getFirst(), 0);
        for (int i = 0; i < 100_000 && model.pool().drainStatus().state() != State.DONE; i++) {
            home.step();
        }
        disks.removeFirst().close();
        model.pool().checkpoint();
        model.create();
        model.requests();
        model.end(false);
        assertThat(compare(model)).isPositive();
    }

    /** A leg that has failed has older data, and is neither read nor believed. */
    @Test
    void readsTheLegThatIsInSync() throws Exception {
        disks(2);
        var shape = new Shape(CONFIG.withCopies(2), 24, false, false);
        var model = new PoolModel(shape, members(), home, 1);
        model.create();
        for (int i = 0; i < 40; i++) {
            if (i == 20) {
                disks.getFirst().fate(_ -> new MemoryBlockDevice.Fate.Ends(BlockStatus.IO_ERROR));
            }
            model.requests();
        }
        model.end(false);
        compare(model);
        assertThat(look(files().subList(0, 1)).refused()).isEmpty();
        assertThat(look(files().subList(1, 2)).refused()).contains("may know more and is not here");
    }

    @Test
    void encryptedVolumesAreRefusedWithASentence() throws Exception {
        disks(1);
        StoragePool.create(CONFIG, members(), home);
        StoragePool pool = StoragePool.open(members(), home, PoolOptions.DEFAULT);
        pool.keys(new TestKeys(1));
        pool.createVolume("secret", new VolumeFormat(1 << 20, 512, 4096, true, false));
        pool.close();
        assertThat(look().refused())
                .isEqualTo("secret is encrypted, and this reader takes no keys");
    }

    /** So that a reader which checks nothing does not pass. */
    @Test
    void seesWhatIsDamaged() throws Exception {
        disks(1);
        var model = new PoolModel(new Shape(CONFIG, 24, true, false), members(), home, 1);
        model.create();
        for (int i = 0; i < 40; i++) {
            model.requests();
        }
        model.end(true);
        assertThat(whatIsRefused("VSCA")).isEqualTo("block N of the catalog is damaged");
        assertThat(whatIsRefused("VSMP"))
                .isEqualTo("page N of level N of the map of vN is damaged");
        assertThat(whatIsRefused("VSCS"))
                .isEqualTo("page N of level N of checksums of vN is damaged");
        assertThat(whatIsRefused("")).isEqualTo("block N of vN does not match its checksum");
    }

    /** The refusal, once a block is damaged that is in use and begins so, or is one of data. */
    private String whatIsRefused(String magic) throws IOException, InterruptedException {
        List<Path> files = files();
        byte[] sound = Files.readAllBytes(files.getFirst());
        String refused = "";
        for (int at = 1 << 20; at < sound.length && refused.isEmpty(); at += 4096) {
            String begins = new String(sound, at, 4, StandardCharsets.ISO_8859_1);
            if (magic.isEmpty() ? begins.startsWith("VS") : !begins.equals(magic)) {
                continue;
            }
            byte[] damaged = sound.clone();
            damaged[at + 600] ^= 1;
            Files.write(files.getFirst(), damaged);
            refused = look(files).refused().replaceAll("\\d+", "N");
        }
        return refused;
    }

    /**
     * Compares all that the reader finds with all that there has to be.
     *
     * @return how many groups of the journal it has replayed
     */
    private int compare(PoolModel model) throws IOException, InterruptedException {
        PoolReader.Result result = look();
        assertThat(result.refused()).isEmpty();
        Map<String, PoolReader.Volume> found =
                result.volumes().stream()
                        .collect(Collectors.toMap(PoolReader.Volume::name, Function.identity()));
        assertThat(found.keySet()).isEqualTo(model.contents().keySet());
        for (var entry : model.contents().entrySet()) {
            String name = entry.getKey();
            PoolReader.Volume volume = Objects.requireNonNull(found.get(name));
            assertThat(volume.snapshot()).as(name).isEqualTo(model.isReadOnly(name));
            assertThat(Files.readAllBytes(volume.content())).as(name).isEqualTo(entry.getValue());
        }
        return result.groups();
    }

    private PoolReader.Result look() throws IOException, InterruptedException {
        return look(files());
    }

    private PoolReader.Result look(List<Path> files) throws IOException, InterruptedException {
        return PoolReader.read(files, Files.createDirectory(directory.resolve("look" + looks++)));
    }

    /** The disks as files, in no order. */
    private List<Path> files() throws IOException {
        var files = new ArrayList<Path>();
        for (MemoryBlockDevice disk : disks) {
            Path file = Files.createTempFile(directory, "disk", "");
            try (OutputStream to = Files.newOutputStream(file)) {
                int length = Math.toIntExact(disk.geometry().capacity());
                to.write(disk.contents(0, length));
            }
            files.add(file);
        }
        Collections.reverse(files);
        return files;
    }

    private List<BlockDevice> members() {
        return List.copyOf(disks);
    }

    private void disks(int count) {
        for (int i = 0; i < count; i++) {
            var disk = new MemoryBlockDevice(12 << 20, PoolModel.BLOCK);
            disk.logging(false);
            disks.add(disk);
        }
    }
}
