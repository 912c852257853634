package io.vireo.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PeerPolicyTest {
    @TempDir Path directory;

    @Test
    void rootTheOwnUserAndMembersOfTheGroupMay() throws IOException {
        Path groups =
                Files.writeString(
                        directory.resolve("group"),
                        "kvm:x:104:libvirt,alice\nvireo:x:900:\nmalformed\n");
        var policy = new PeerPolicy("vireo", Optional.of("kvm"), groups);

        assertThat(policy.allows("root", "root")).isTrue();
        assertThat(policy.allows("vireo", "vireo")).isTrue();
        assertThat(policy.allows("alice", "users")).isTrue();
        assertThat(policy.allows("bob", "kvm")).isTrue();
        assertThat(policy.allows("mallory", "users")).isFalse();
        assertThat(policy.allows("", "")).isFalse();
    }

    @Test
    void withoutAGroupNobodyElseMay() {
        var policy = new PeerPolicy("vireo", Optional.empty(), directory.resolve("missing"));

        assertThat(policy.allows("alice", "vireo")).isFalse();
        assertThat(policy.allows("vireo", "users")).isTrue();
    }
}
