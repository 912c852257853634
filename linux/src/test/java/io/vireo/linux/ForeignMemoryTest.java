package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ForeignMemoryTest {
    private static final String PROBE = SigbusProbe.class.getName();

    /** Neither reads nor writes. */
    private static final Set<String> NO_ACCESS = Set.of("fullFence", "settle", "segment");

    @Test
    void valuesAreLittleEndianAndNeedNoAlignment() {
        try (NativeBuffer buffer = NativeBuffer.allocate(32, 8)) {
            long at = buffer.address() + 1;
            ForeignMemory.putLong(at, 0x0807060504030201L);
            assertThat(ForeignMemory.getByte(at)).isEqualTo((byte) 1);
            assertThat(ForeignMemory.getShort(at + 1)).isEqualTo((short) 0x0302);
            assertThat(ForeignMemory.getInt(at + 2)).isEqualTo(0x06050403);
            ForeignMemory.putInt(at + 9, 0x44332211);
            ForeignMemory.putShort(at + 13, (short) 0x6655);
            ForeignMemory.putByte(at + 15, (byte) 0x77);
            assertThat(ForeignMemory.getLong(at + 8)).isEqualTo(0x7766554433221100L);
        }
    }

    @Test
    void orderedAccessesAgreeWithPlainOnesAndWantAlignment() {
        try (NativeBuffer buffer = NativeBuffer.allocate(32, 8)) {
            long at = buffer.address();
            ForeignMemory.putLongRelease(at, 0x0807060504030201L);
            ForeignMemory.putIntRelease(at + 8, 0x0c0b0a09);
            ForeignMemory.putShortRelease(at + 12, (short) 0x0e0d);
            ForeignMemory.fullFence();
            assertThat(ForeignMemory.getLongAcquire(at)).isEqualTo(ForeignMemory.getLong(at));
            assertThat(ForeignMemory.getLongOpaque(at)).isEqualTo(ForeignMemory.getLong(at));
            assertThat(ForeignMemory.getIntAcquire(at + 8)).isEqualTo(0x0c0b0a09);
            assertThat(ForeignMemory.getIntOpaque(at + 8)).isEqualTo(0x0c0b0a09);
            assertThat(ForeignMemory.getShortAcquire(at + 12)).isEqualTo((short) 0x0e0d);
            assertThat(ForeignMemory.getShortOpaque(at + 12)).isEqualTo((short) 0x0e0d);
            assertThatThrownBy(() -> ForeignMemory.getShortAcquire(at + 1))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> ForeignMemory.putIntRelease(at + 2, 0))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> ForeignMemory.getLongOpaque(at + 4))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void copiesAndFillsTouchExactlyTheRange() {
        try (NativeBuffer buffer = NativeBuffer.allocate(64, 8)) {
            long at = buffer.address();
            ForeignMemory.fill(at + 1, 3, (byte) 9);
            ForeignMemory.copyFromArray(new byte[] {1, 2, 3, 4}, 1, at + 8, 2);
            ForeignMemory.copy(at, at + 16, 16);
            byte[] result = new byte[18];
            ForeignMemory.copyToArray(at + 16, result, 1, 16);
            assertThat(result)
                    .containsExactly(0, 0, 9, 9, 9, 0, 0, 0, 0, 2, 3, 0, 0, 0, 0, 0, 0, 0);
            assertThat(ForeignMemory.segment(at + 8, 2).byteSize()).isEqualTo(2);
        }
    }

    @Test
    void arrayBoundsAreChecked() {
        try (NativeBuffer buffer = NativeBuffer.allocate(64, 8)) {
            byte[] array = new byte[4];
            assertThatThrownBy(() -> ForeignMemory.copyToArray(buffer.address(), array, 1, 4))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> ForeignMemory.copyFromArray(array, 0, buffer.address(), 5))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "-Xint, cold",
        "-XX:TieredStopAtLevel=1, warm",
        "-XX:+TieredCompilation, cold",
        "-XX:+TieredCompilation, warm",
        "-XX:-TieredCompilation, warm"
    })
    void truncatedMemoryThrowsAndTheMachineLives(String flag, String warmth)
            throws IOException, InterruptedException {
        List<String> lines = probe(flag, warmth);
        assertThat(lines).last().isEqualTo("alive");
        assertThat(lines).noneMatch(line -> line.endsWith("MISSED"));
        assertThat(lines.stream().map(line -> line.split("[ ,]", 2)[0])).containsAll(accessors());
    }

    @ParameterizedTest
    @ValueSource(strings = {"-Xint", "-XX:TieredStopAtLevel=1", "-XX:+TieredCompilation"})
    void memoryThatComesAndGoesDoesNotKill(String flag) throws IOException, InterruptedException {
        assertThat(probe(flag, "race")).containsExactly("alive");
    }

    /** Why {@link ForeignMemory#settle} is there: if this fails, it may not be needed any more. */
    @Test
    void anErrorComesAfterItsTryHasEnded() throws IOException, InterruptedException {
        assertThat(probe("-XX:-TieredCompilation", "late"))
                .containsExactly("caught 0 late 1024", "alive");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-Xint",
                "-XX:TieredStopAtLevel=1",
                "-XX:+TieredCompilation",
                "-XX:-TieredCompilation"
            })
    void whatIsSettledIsThrownInItsTry(String flag) throws IOException, InterruptedException {
        assertThat(probe(flag, "settled")).containsExactly("caught 1024 late 0", "alive");
    }

    private static Set<String> accessors() {
        return Arrays.stream(ForeignMemory.class.getDeclaredMethods())
                .filter(method -> Modifier.isPublic(method.getModifiers()))
                .map(Method::getName)
                .filter(name -> !NO_ACCESS.contains(name))
                .collect(Collectors.toSet());
    }

    private static List<String> probe(String flag, String warmth)
            throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                flag,
                                "-Xmx64m",
                                // Compiled when it is warm, and not into its caller.
                                "-Xbatch",
                                "-XX:CompileCommand=quiet",
                                "-XX:CompileCommand=dontinline," + PROBE + "::store*",
                                "-XX:-CreateCoredumpOnCrash",
                                "-XX:ErrorFile=/dev/null",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                PROBE,
                                warmth)
                        .redirectErrorStream(true)
                        .start();
        // The virtual machine closes them a little later than a process ends, and others count.
        try (var _ = process.getOutputStream();
                var said = process.getInputStream()) {
            String output = new String(said.readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as(output).isZero();
            return output.lines().toList();
        }
    }
}
