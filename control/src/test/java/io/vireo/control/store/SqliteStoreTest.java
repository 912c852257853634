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
                "CREATE TRIGGER full BEFORE INSERT ON kv BEGIN SELECT RAISE(ROLLBACK, 'disk is full'); END");
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
    void theLogOfEarlierVersionsIsDroppedAndTheKeysStay() throws SQLException {
        Path file = directory.resolve("log.db");
        try (Store store = SqliteStore.open(file)) {
            store.commit(new Transaction().put("/a", "1"));
        }
        execute(
                file,
                "CREATE TABLE log (rev INTEGER NOT NULL, seq INTEGER NOT NULL, key TEXT NOT NULL,"
                        + " value TEXT, PRIMARY KEY (rev, seq)) WITHOUT ROWID");
        execute(file, "INSERT INTO log (rev, seq, key, value) VALUES (1, 0, '/a', '1')");
        try (Store store = SqliteStore.open(file)) {
            assertThat(store.get("/a")).map(Store.Entry::value).contains("1");
            assertThat(store.commit(new Transaction().put("/a", "2"))).contains(2L);
        }
        assertThat(tables(file)).containsExactly("kv", "meta");
    }

    private static List<String> tables(Path file) throws SQLException {
        List<String> names = new ArrayList<>();
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                var statement = connection.createStatement();
                var rows =
                        statement.executeQuery(
                                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")) {
            while (rows.next()) {
                names.add(rows.getString(1));
            }
        }
        return names;
    }
}
