package io.vireo.fabric.storage.crypto;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.memory.OwnMemory;
import io.vireo.memory.ScatterGatherList;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VolumeCipherTest {
    private static final int LENGTH = 32 << 10;

    private final MasterKey master = MasterKey.ofHex("5c".repeat(32));
    private final WrappedKey key = master.newDataKey();

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void rangesCutAnywhereAreTheSame(int unit) {
        byte[] plain = new byte[LENGTH];
        new Random(1).nextBytes(plain);
        try (var cipher = VolumeCipher.of(master, key, unit).orElseThrow();
                var again = VolumeCipher.of(master, key, unit).orElseThrow();
                var whole = OwnMemory.allocate(LENGTH);
                var parts = OwnMemory.allocate(LENGTH)) {
            whole.put(0, plain);
            parts.put(0, plain);
            cipher.encrypt(list(whole, LENGTH), 1 << 20);
            again.encrypt(list(parts, unit, 3 * unit, LENGTH - 4 * unit), 1 << 20);
            byte[] enciphered = whole.bytes(0, LENGTH);
            assertThat(Arrays.equals(enciphered, parts.bytes(0, LENGTH))).isTrue();
            assertThat(Arrays.equals(enciphered, plain)).isFalse();
            again.decrypt(list(whole, 2 * unit, LENGTH - 2 * unit), 1 << 20);
            assertThat(Arrays.equals(whole.bytes(0, LENGTH), plain)).isTrue();
            // At another place of the volume the same is something else.
            cipher.encrypt(list(whole, LENGTH), 2 << 20);
            assertThat(Arrays.equals(whole.bytes(0, LENGTH), enciphered)).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void sectorsThatWereNeverWrittenReadAsZeroes(int unit) {
        byte[] plain = new byte[LENGTH];
        new Random(2).nextBytes(plain);
        try (var cipher = VolumeCipher.of(master, key, unit).orElseThrow();
                var memory = OwnMemory.allocate(LENGTH)) {
            memory.put(0, plain);
            cipher.encrypt(list(memory, LENGTH), 0);
            // A torn write: of some blocks a part of the sectors is what it was before, zeroes.
            byte[] expected = plain.clone();
            for (int sector : new int[] {0, 3, 9, 15, 24, 25, 26, 27, 28, 29, 30, 31}) {
                memory.fill(sector * 512, 512, (byte) 0);
                Arrays.fill(expected, sector * 512, sector * 512 + 512, (byte) 0);
            }
            cipher.decrypt(list(memory, LENGTH), 0);
            assertThat(Arrays.equals(memory.bytes(0, LENGTH), expected)).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096})
    void zeroesThatAreWrittenDoNotShow(int unit) {
        try (var cipher = VolumeCipher.of(master, key, unit).orElseThrow();
                var memory = OwnMemory.allocate(LENGTH)) {
            cipher.encrypt(list(memory, LENGTH), 0);
            assertThat(Arrays.equals(memory.bytes(0, LENGTH), new byte[LENGTH])).isFalse();
            cipher.decrypt(list(memory, LENGTH), 0);
            assertThat(Arrays.equals(memory.bytes(0, LENGTH), new byte[LENGTH])).isTrue();
        }
    }

    private static ScatterGatherList list(OwnMemory memory, int... lengths) {
        var list = new ScatterGatherList(1);
        int at = 0;
        for (int length : lengths) {
            list.add(memory.address() + at, length);
            at += length;
        }
        return list;
    }
}
