package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class MemfdTest {
    private static final int READ_WRITE = Mapping.PROT_READ | Mapping.PROT_WRITE;

    @Test
    void sealsForbidWhatTheySay() throws ErrnoException {
        try (Fd fd = Memfd.create("sealed", 8192, Memfd.MFD_ALLOW_SEALING)) {
            assertThat(Memfd.seals(fd)).isZero();
            Memfd.addSeals(fd, Memfd.F_SEAL_SHRINK);
            FileCalls.ftruncate(fd, 16384);
            assertThatThrownBy(() -> FileCalls.ftruncate(fd, 4096)).hasMessageContaining("EPERM");
            Memfd.addSeals(fd, Memfd.F_SEAL_GROW | Memfd.F_SEAL_SEAL);
            assertThatThrownBy(() -> FileCalls.ftruncate(fd, 32768)).hasMessageContaining("EPERM");
            assertThatThrownBy(() -> Memfd.addSeals(fd, Memfd.F_SEAL_WRITE))
                    .hasMessageContaining("EPERM");
            assertThat(Memfd.seals(fd))
                    .isEqualTo(Memfd.F_SEAL_SHRINK | Memfd.F_SEAL_GROW | Memfd.F_SEAL_SEAL);
        }
    }

    @Test
    void withoutTheFlagItIsSealedAgainstSealing() throws ErrnoException {
        try (Fd fd = Memfd.create("plain", 4096, 0)) {
            assertThat(Memfd.seals(fd)).isEqualTo(Memfd.F_SEAL_SEAL);
            assertThatThrownBy(() -> Memfd.addSeals(fd, Memfd.F_SEAL_SHRINK))
                    .hasMessageContaining("EPERM");
        }
    }

    @Test
    void mappingsOfOneFileShareItsBytes() throws ErrnoException {
        long page = Mapping.pageSize();
        try (Fd fd = Memfd.create("shared", 4 * page, 0);
                Mapping all = Mapping.map(fd, 0, 4 * page, READ_WRITE, true);
                Mapping third = Mapping.map(fd, 2 * page, page, READ_WRITE, true);
                Mapping copy = Mapping.map(fd, 0, 4 * page, READ_WRITE, false)) {
            ForeignMemory.putInt(third.address() + 8, 4711);
            assertThat(ForeignMemory.getInt(all.address() + 2 * page + 8)).isEqualTo(4711);
            ForeignMemory.putInt(copy.address(), 1);
            assertThat(ForeignMemory.getInt(all.address())).isZero();
            all.advise(page, 3 * page, Mapping.MADV_POPULATE_READ);
            assertThatThrownBy(() -> all.advise(page, 4 * page, Mapping.MADV_POPULATE_READ))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void populatingBeyondTheFileFailsInsteadOfKilling() throws ErrnoException {
        long page = Mapping.pageSize();
        try (Fd fd = Memfd.create("short", page, 0);
                Mapping mapping = Mapping.map(fd, 0, 2 * page, READ_WRITE, true)) {
            mapping.advise(0, page, Mapping.MADV_POPULATE_WRITE);
            assertThatThrownBy(() -> mapping.advise(page, page, Mapping.MADV_POPULATE_READ))
                    .hasMessageContaining("EFAULT");
        }
    }

    @Test
    void unmappingTwiceIsOnce() throws ErrnoException {
        Mapping mapping = Mapping.anonymous(Mapping.pageSize());
        assertThat(mapping.length()).isEqualTo(Mapping.pageSize());
        ForeignMemory.putLong(mapping.address(), 1);
        mapping.unmap();
        mapping.unmap();
        assertThat(mapping.isMapped()).isFalse();
        assertThatThrownBy(() -> mapping.advise(0, 1, Mapping.MADV_DONTNEED))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void impossibleMappingsAreErrors() throws ErrnoException {
        try (Fd fd = Memfd.create("odd", 4096, 0)) {
            assertThatThrownBy(() -> Mapping.map(fd, 1, 4096, READ_WRITE, true))
                    .hasMessageContaining("EINVAL");
            assertThatThrownBy(() -> Mapping.map(fd, 0, 0, READ_WRITE, true))
                    .hasMessageContaining("EINVAL");
        }
        assertThatThrownBy(() -> Memfd.create("nul\0inside", 0, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
