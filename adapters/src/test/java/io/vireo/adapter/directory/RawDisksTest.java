package io.vireo.adapter.directory;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.spec.PoolSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RawDisksTest {
    private static final long MIB = 1 << 20;

    @TempDir Path directory;

    private long opened(Path file, long make) {
        try (var disk =
                new RawDisks().open(file, OptionalLong.of(make), PoolSpec.Backend.THREADS, false)) {
            return disk.device().geometry().capacity();
        }
    }

    /** An attempt with a size that was too small leaves such a file behind. */
    @Test
    void aFileWithoutDataIsAsLargeAsDeclaredAndOneWithDataStays() throws Exception {
        Path file = directory.resolve("disk");
        assertThat(opened(file, MIB)).isEqualTo(MIB);
        assertThat(opened(file, 4 * MIB)).isEqualTo(4 * MIB);
        assertThat(opened(file, MIB)).isEqualTo(4 * MIB);

        Path data = Files.write(directory.resolve("data"), new byte[] {1});
        Files.write(data, new byte[(int) MIB]);
        assertThat(opened(data, 4 * MIB)).isEqualTo(MIB);
    }
}
