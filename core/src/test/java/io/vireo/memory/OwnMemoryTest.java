package io.vireo.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The bounds of memory of our own. */
class OwnMemoryTest {
    private static final int LENGTH = 4096;

    @Test
    void aRangeThatIsInsideHasAnAddress() {
        try (OwnMemory memory = OwnMemory.allocate(LENGTH)) {
            assertThat(memory.address(0, LENGTH)).isEqualTo(memory.address());
            assertThat(memory.address(512, LENGTH - 512)).isEqualTo(memory.address() + 512);
            assertThat(memory.address(LENGTH, 0)).isEqualTo(memory.address() + LENGTH);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, 4097",
        "1, 4096",
        "4097, 0",
        "-1, 1",
        "0, -1",
        "9223372036854775807, 1",
        "1, 9223372036854775807"
    })
    void aRangeThatLeavesItHasNone(long offset, long length) {
        try (OwnMemory memory = OwnMemory.allocate(LENGTH)) {
            assertThatThrownBy(() -> memory.address(offset, length))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void memoryOfNothingTakesNothing() {
        try (OwnMemory memory = OwnMemory.allocate(0)) {
            assertThatThrownBy(() -> memory.address(0, 512))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }
}
