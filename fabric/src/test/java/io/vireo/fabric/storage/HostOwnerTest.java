package io.vireo.fabric.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.storage.format.PoolOwner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostOwnerTest {
    @TempDir private Path runtime;
    @TempDir private Path other;

    @Test
    void isTheSameAsLongAsTheRuntimeDirectoryIs() {
        PoolOwner first = HostOwner.in(runtime, "alpha");
        assertThat(first.isSomebody()).isTrue();
        assertThat(first.host()).isEqualTo("alpha");
        assertThat(HostOwner.in(runtime, "alpha")).isEqualTo(first);
        assertThat(HostOwner.in(other, "alpha").id()).isNotEqualTo(first.id());
    }

    @Test
    void isAnotherOneIfNobodyCanReadWhoItWas() throws IOException {
        PoolOwner first = HostOwner.in(runtime, "alpha");
        Files.writeString(runtime.resolve("pool-owner"), "x");
        PoolOwner second = HostOwner.in(runtime, "alpha");
        assertThat(second.isSomebody()).isTrue();
        assertThat(second.id()).isNotEqualTo(first.id());
        assertThat(HostOwner.in(runtime, "alpha")).isEqualTo(second);
    }
}
