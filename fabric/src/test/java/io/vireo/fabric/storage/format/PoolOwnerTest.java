package io.vireo.fabric.storage.format;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.memory.OwnMemory;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PoolOwnerTest {
    @Test
    void aNameFromADiskDoesNothingToATerminal() {
        var owner = new PoolOwner(UUID.randomUUID(), "a\u001b[2J\nb\u202e");
        try (OwnMemory memory = OwnMemory.allocate(PoolFormat.BLOCK)) {
            owner.encode(memory, 144);
            assertThat(PoolOwner.decode(memory, 144).host()).isEqualTo("a?[2J?b?");
        }
    }

    /** A name that is too long is cut off, and not in the middle of a character. */
    @ParameterizedTest
    @CsvSource({"0, a, 3, aaa", "63, a, 5, a", "63, ü, 2, ''", "62, ü, 2, ü", "0, a, 0, ''"})
    void isReadAsItWasWritten(int before, String repeated, int times, String left) {
        String name = "n".repeat(before) + repeated.repeat(times);
        var owner = new PoolOwner(UUID.randomUUID(), name);
        try (OwnMemory memory = OwnMemory.allocate(PoolFormat.BLOCK)) {
            owner.encode(memory, 144);
            assertThat(owner.isAt(memory.address() + 144)).isTrue();
            assertThat(PoolOwner.NOBODY.isAt(memory.address() + 144)).isFalse();
            PoolOwner read = PoolOwner.decode(memory, 144);
            assertThat(read.id()).isEqualTo(owner.id());
            assertThat(read.host()).isEqualTo("n".repeat(before) + left);
            assertThat(memory.bytes(144 + PoolOwner.BYTES, 64)).containsOnly(0);
        }
    }
}
