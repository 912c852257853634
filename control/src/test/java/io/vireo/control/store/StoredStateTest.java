package io.vireo.control.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StoredStateTest {
    @TempDir Path directory;

    private static boolean put(StoredState state, String key, Optional<String> value)
            throws Exception {
        var done = new CompletableFuture<Boolean>();
        state.put(key, value, done::complete);
        return done.get(60, TimeUnit.SECONDS);
    }

    @Test
    void whatWasPutIsThereForTheNext() throws Exception {
        Path file = directory.resolve("state.db");
        try (var state = StoredState.open(file)) {
            assertThat(state.get("a/b")).isEmpty();
            assertThat(put(state, "a/b", Optional.of("one\ntwo"))).isTrue();
            assertThat(put(state, "c", Optional.of("gone"))).isTrue();
            assertThat(put(state, "c", Optional.empty())).isTrue();
            assertThat(put(state, "never", Optional.empty())).isTrue();
        }
        try (var state = StoredState.open(file)) {
            assertThat(state.get("a/b")).contains("one\ntwo");
            assertThat(state.get("c")).isEmpty();
        }
    }

    @Test
    void keysAreThoseThatHaveARecord() throws Exception {
        try (var state = StoredState.open(directory.resolve("state.db"))) {
            for (String key : new String[] {"b/2", "a/1", "b/1", "b/3", "b", "c/1"}) {
                assertThat(put(state, key, Optional.of("x"))).isTrue();
            }
            assertThat(put(state, "b/3", Optional.empty())).isTrue();
            assertThat(state.keys("b/")).containsExactly("b/1", "b/2");
            assertThat(state.keys("d/")).isEmpty();
        }
    }

    @Test
    void aClosedOneSaysThatNothingIsDurable() throws Exception {
        var state = StoredState.open(directory.resolve("state.db"));
        state.close();
        assertThat(put(state, "a", Optional.of("x"))).isFalse();
    }
}
