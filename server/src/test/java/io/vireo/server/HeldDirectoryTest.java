package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HeldDirectoryTest {
    @TempDir Path directory;

    @Test
    void oneDaemonHasADirectoryAtATime() throws IOException {
        Path state = directory.resolve("lib/vireo");
        try (var first = HeldDirectory.take(state, "state")) {
            assertThat(first.path()).isEqualTo(state).isDirectory();
            assertThatThrownBy(() -> HeldDirectory.take(state, "state"))
                    .isInstanceOf(ResourceException.class)
                    .hasMessage(
                            "another daemon has the state directory "
                                    + state
                                    + ": stop it, or give another with --state-dir");
        }
        HeldDirectory.take(state, "state").close();
    }

    @Test
    void oneDirectoryMayServeForBoth() throws IOException {
        try (var state = HeldDirectory.take(directory, "state");
                var runtime = HeldDirectory.take(directory, "runtime")) {
            assertThat(runtime.path()).isEqualTo(state.path());
        }
    }

    @Test
    void aFileIsNoDirectory() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(() -> HeldDirectory.take(file, "runtime"))
                .hasMessage(file + " is no directory: give another with --runtime-dir");
        assertThatThrownBy(() -> HeldDirectory.make(file, "image"))
                .hasMessage(file + " is no directory: give another with --image-dir");
    }

    @Test
    void whereNothingCanBeMadeIsToldByItsUse() {
        assertThatThrownBy(() -> HeldDirectory.take(Path.of("/proc/vireo"), "state"))
                .isInstanceOf(ResourceException.class)
                .hasMessage(
                        "the state directory /proc/vireo cannot be made: let the daemon's user make"
                                + " it, or give another with --state-dir");
        assertThatThrownBy(() -> HeldDirectory.take(Path.of("/proc"), "runtime"))
                .isInstanceOf(ResourceException.class)
                .hasMessage(
                        "nothing can be made in the runtime directory /proc (ENOENT): let the"
                                + " daemon's user write there, or give another with --runtime-dir");
    }
}
