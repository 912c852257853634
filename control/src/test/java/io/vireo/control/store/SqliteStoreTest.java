package io.vireo.control.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SqliteStoreTest extends StoreContract {
    @TempDir Path directory;

    private Path file() {
        return directory.resolve("state/vireo.db");
    }

    @Override
    Store open() {
        return SqliteStore.open(file());
    }

    @Test
    void isReadableByItsOwnerOnly() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file())))
                .isEqualTo("rw-------");
    }

    @Test
    void refusesAFileOfANewerVersion() throws SQLException {
        Path newer = directory.resolve("newer.db");
        SqliteStore.open(newer).close();
        execute(newer, "UPDATE meta SET value = 99 WHERE name = 'format'");

        assertThatThrownBy(() -> SqliteStore.open(newer))
                .hasMessageContaining("format 99")
                .hasMessageEndingWith(
                        ": start that version, or put back a copy of the state directory that is older");
    }

    /** As SQLite does by itself when the disk is full. */
    @Test
    void saysWhatFailedWhenItWasRolledBackAlready() throws SQLException {
        Path full = directory.resolve("full.db");
        SqliteStore.open(full).close();
        execute(
                full,
                "CREATE TRIGGER full BEFORE INSERT ON log BEGIN SELECT RAISE(ROLLBACK, 'disk is full'); END");
        try (Store store = SqliteStore.open(full)) {
            Transaction write = new Transaction().put("/a", "1");
            assertThatThrownBy(() -> store.commit(write))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("disk is full");
            assertThat(store.get("/a")).isEmpty();

            execute(full, "DROP TRIGGER full");
            assertThat(store.commit(write)).isPresent();
            assertThat(store.get("/a")).isPresent();
        }
    }

    private static void execute(Path file, String sql) throws SQLException {
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Test
    void refusesAFileThatIsNoDatabase() throws IOException {
        Path text =
                Files.writeString(
                        directory.resolve("text"),
                        "this is no database, but it is long enough\n".repeat(50));

        assertThatThrownBy(() -> SqliteStore.open(text))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("text");
    }

    @Test
    void compactionForgetsTheLogAndKeepsTheKeys() throws SQLException {
        Path file = directory.resolve("log.db");
        try (Store log = SqliteStore.open(file)) {
            log.commit(new Transaction().put("/a", "1"));
            long upTo = log.commit(new Transaction().put("/a", "2")).orElseThrow();
            log.commit(new Transaction().put("/a", "3"));
            log.commit(new Transaction().delete("/b").delete("/a").put("/c", "4"));
            log.compact(upTo);
            assertThat(log.get("/c")).map(Store.Entry::value).contains("4");
        }
        List<String> changes = new ArrayList<>();
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT key, value FROM log ORDER BY rev, seq")) {
            while (rows.next()) {
                changes.add(rows.getString(1) + "=" + rows.getString(2));
            }
        }
        assertThat(changes).containsExactlyInAnyOrder("/a=3", "/a=null", "/c=4");
    }
}
