package io.vireo.reactor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An error of vanished memory comes in the turn of whoever touched it, and in no other's. */
class LateErrorTest {
    private static final String PROBE = LateErrorProbe.class.getName();

    @ParameterizedTest
    @CsvSource({
        "-Xint, value",
        "-XX:TieredStopAtLevel=1, value",
        "-XX:-TieredCompilation, value",
        "-Xint, garbage",
        "-XX:TieredStopAtLevel=1, garbage",
        "-XX:-TieredCompilation, garbage"
    })
    void theNeighbourIsNotCutOff(String flag, String what)
            throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                flag,
                                "-Xmx64m",
                                "-Xbatch",
                                "-XX:CompileCommand=quiet",
                                "-XX:CompileCommand=dontinline," + PROBE + "*::work",
                                "-XX:-CreateCoredumpOnCrash",
                                "-XX:ErrorFile=/dev/null",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                PROBE,
                                what)
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output.strip()).isEqualTo("faults 1000 cut off 0 failures 0");
    }
}
