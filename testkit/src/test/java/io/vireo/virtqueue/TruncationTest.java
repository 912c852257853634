package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A guest that truncates its memory under its queue kills nobody. */
class TruncationTest {
    @ParameterizedTest
    @CsvSource({
        "-Xint, 100",
        "-XX:TieredStopAtLevel=1, 500",
        "-XX:+TieredCompilation, 500",
        "-XX:-TieredCompilation, 500"
    })
    void theMachineLives(String flag, int rounds) throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                flag,
                                "-Xmx128m",
                                "-XX:-CreateCoredumpOnCrash",
                                "-XX:ErrorFile=/dev/null",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                TruncationProbe.class.getName(),
                                Integer.toString(rounds))
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        List<String> lines = output.lines().toList();
        assertThat(lines).as(output).last().isEqualTo("alive");
    }
}
