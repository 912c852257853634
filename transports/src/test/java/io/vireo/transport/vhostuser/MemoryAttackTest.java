package io.vireo.transport.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory that is taken away kills no virtual machine, whichever way its code runs. */
class MemoryAttackTest {
    @ParameterizedTest
    @ValueSource(strings = {"-Xint", "-XX:TieredStopAtLevel=1", "-Xcomp"})
    void survives(String mode) throws Exception {
        var log = File.createTempFile("memory-attack", ".log");
        var process =
                new ProcessBuilder(
                                System.getProperty("java.home") + "/bin/java",
                                mode,
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                MemoryAttackProbe.class.getName())
                        .redirectErrorStream(true)
                        .redirectOutput(log)
                        .start();
        try {
            assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
            var output = java.nio.file.Files.readString(log.toPath(), StandardCharsets.UTF_8);
            assertThat(process.exitValue()).as(output).isZero();
        } finally {
            process.destroyForcibly();
            assertThat(log.delete()).isTrue();
        }
    }
}
