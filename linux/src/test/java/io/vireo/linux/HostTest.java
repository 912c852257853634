package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CPUs, limits and users of the machine that runs the test. */
class HostTest {
    @Test
    void threadsArePinned() {
        CompletableFuture<BitSet> pinned = new CompletableFuture<>();
        Thread.ofPlatform()
                .start(() -> {
                    try {
                        Sched.pin(Sched.availableCpus().nextSetBit(0));
                        assertThat(Sched.affinity(Sched.gettid()))
                                .isEqualTo(Sched.affinity(Sched.CURRENT));
                        pinned.complete(Sched.affinity(Sched.CURRENT));
                    } catch (ErrnoException | AssertionError e) {
                        pinned.completeExceptionally(e);
                    }
                });
        assertThat(pinned.join().cardinality()).isEqualTo(1);
    }

    @Test
    void cpusThatAreNotThereAreRefused() throws ErrnoException {
        assertThat(Sched.availableCpus().cardinality()).isPositive();
        assertThatThrownBy(() -> Sched.setAffinity(Sched.CURRENT, new BitSet()))
                .hasMessageContaining("EINVAL");
        assertThatThrownBy(() -> Sched.pin(9000)).hasMessageContaining("EINVAL");
    }

    @Test
    void limitsAreReadAndSet() throws ErrnoException {
        Rlimit before = Rlimit.of(Rlimit.RLIMIT_NOFILE);
        try {
            Rlimit lower = new Rlimit(before.hard() - 1, before.hard());
            lower.apply(Rlimit.RLIMIT_NOFILE);
            assertThat(Rlimit.of(Rlimit.RLIMIT_NOFILE)).isEqualTo(lower);
            assertThat(Rlimit.raise(Rlimit.RLIMIT_NOFILE))
                    .isEqualTo(new Rlimit(before.hard(), before.hard()));
        } finally {
            before.apply(Rlimit.RLIMIT_NOFILE);
        }
        assertThatThrownBy(() -> new Rlimit(2, 1).apply(Rlimit.RLIMIT_MEMLOCK))
                .hasMessageContaining("EINVAL");
    }

    @Test
    void usersAndGroupsHaveNumbers(@TempDir Path directory) throws IOException {
        assertThat(Credentials.uid("root")).hasValue(0);
        assertThat(Credentials.gid("root")).hasValue(0);
        assertThat(Credentials.uid("1234")).hasValue(1234);
        assertThat(Credentials.gid("no-such-group")).isEmpty();
        Path group =
                Files.writeString(
                        directory.resolve("group"),
                        "# comment\nbroken\nvireo:x:none:\nother:x:7:\nvireo:x:998:a,b\n");
        assertThat(Credentials.id(group, "vireo")).hasValue(998);
        assertThat(Credentials.id(group, "broken")).isEmpty();
        assertThat(Credentials.euid()).isNotNegative();
        assertThat(Credentials.egid()).isNotNegative();
    }
}
