package io.vireo.control.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.sqlite.SQLiteConfig;

/**
 * A store in one SQLite file: write-ahead log, {@code synchronous=FULL}, so that a commit survives
 * the loss of power.
 *
 * <p>All work is done by one platform thread, because SQLite is called through JNI, which would pin
 * a virtual thread's carrier; callers park until it is done. The file can be read with {@code
 * sqlite3} while the daemon runs: table {@code kv} holds the keys, {@code meta} the format and
 * revisions.
 */
public final class SqliteStore implements Store {
    private static final int FORMAT = 1;
    private static final String APPLICATION_ID = "0x56495245"; // "VIRE", shown by file(1)

    private final ExecutorService worker =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().name("vireo-store").daemon(true).factory());
    private final Path file;
    private final Connection connection;

    private interface Work<T> {
        T run() throws SQLException;
    }

    private SqliteStore(Path file) throws SQLException {
        this.file = file;
        this.connection = connect(file);
    }

    /**
     * Opens the store, and creates it with mode 0600 if there is none.
     *
     * @param file the database; its directory is created if needed
     * @throws StoreException if it cannot be opened, is no store of ours, or was written by a newer
     *     version
     */
    public static SqliteStore open(Path file) {
        try {
            Path directory = file.toAbsolutePath().getParent();
            if (directory != null) {
                Files.createDirectories(directory);
            }
            if (!Files.exists(file)) {
                Files.createFile(
                        file,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
            }
            var store = new SqliteStore(file);
            store.initialize();
            return store;
        } catch (IOException | SQLException e) {
            throw new StoreException(
                    "cannot open the store "
                            + file
                            + ": "
                            + e.getMessage()
                            + "; check the path and its permissions",
                    e);
        }
    }

    private static Connection connect(Path file) throws SQLException {
        var config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.setBusyTimeout(5_000);
        return config.createConnection("jdbc:sqlite:" + file);
    }

    private void initialize() {
        try {
            submit(() -> {
                try (Statement statement = connection.createStatement()) {
                    statement.execute("PRAGMA application_id = " + APPLICATION_ID);
                    statement.execute(
                            "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
                                    + " WITHOUT ROWID");
                    statement.execute(
                            "CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT NOT NULL,"
                                    + " create_rev INTEGER NOT NULL, mod_rev INTEGER NOT NULL) WITHOUT ROWID");
                    // Earlier versions wrote each change here as well, and nothing read it; one of
                    // them that is started again makes the table anew.
                    statement.execute("DROP TABLE IF EXISTS log");
                }
                connection.setAutoCommit(false);
                checkFormat();
                return true;
            });
        } catch (StoreException e) {
            close();
            throw e;
        }
    }

    private void checkFormat() throws SQLException {
        long format = meta("format");
        if (format > FORMAT) {
            throw new StoreException(
                    "the store "
                            + file
                            + " has format "
                            + format
                            + " of a newer version; this one reads format "
                            + FORMAT
                            + ": start that version, or put back a copy of the state directory that is older");
        }
        setMeta("format", FORMAT);
        connection.commit();
    }

    @Override
    public long revision() {
        return submit(() -> meta("revision"));
    }

    @Override
    public Optional<Entry> get(String key) {
        return submit(() -> {
            try (PreparedStatement query =
                    connection.prepareStatement(
                            "SELECT key, value, create_rev, mod_rev FROM kv WHERE key = ?")) {
                query.setString(1, key);
                List<Entry> found = entries(query);
                return found.isEmpty() ? Optional.empty() : Optional.of(found.getFirst());
            }
        });
    }

    @Override
    public Snapshot list(String prefix) {
        return submit(() -> {
            try (PreparedStatement query =
                    connection.prepareStatement(
                            "SELECT key, value, create_rev, mod_rev FROM kv"
                                    + " WHERE key >= ? AND substr(key, 1, length(?)) = ? ORDER BY key")) {
                query.setString(1, prefix);
                query.setString(2, prefix);
                query.setString(3, prefix);
                return new Snapshot(meta("revision"), entries(query));
            }
        });
    }

    @Override
    public Optional<Long> commit(Transaction transaction) {
        return submit(() -> {
            for (Transaction.Condition condition : transaction.conditions()) {
                if (modRevision(condition.key()) != condition.modRevision()) {
                    return Optional.empty();
                }
            }
            return Optional.of(write(transaction.writes()));
        });
    }

    private long write(Map<String, Optional<String>> writes) throws SQLException {
        long revision = meta("revision") + 1;
        boolean changed = false;
        for (var write : writes.entrySet()) {
            changed |=
                    write.getValue().isPresent()
                            ? put(write.getKey(), write.getValue().get(), revision)
                            : delete(write.getKey());
        }
        if (!changed) {
            return revision - 1;
        }
        setMeta("revision", revision);
        connection.commit();
        return revision;
    }

    private boolean put(String key, String value, long revision) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement(
                        "INSERT INTO kv (key, value, create_rev, mod_rev) VALUES (?, ?, ?, ?)"
                                + " ON CONFLICT (key) DO UPDATE SET value = excluded.value, mod_rev = excluded.mod_rev")) {
            statement.setString(1, key);
            statement.setString(2, value);
            statement.setLong(3, revision);
            statement.setLong(4, revision);
            return statement.executeUpdate() > 0;
        }
    }

    private boolean delete(String key) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("DELETE FROM kv WHERE key = ?")) {
            statement.setString(1, key);
            return statement.executeUpdate() > 0;
        }
    }

    @Override
    public void close() {
        if (worker.isShutdown()) {
            return;
        }
        submit(() -> {
            connection.close();
            return true;
        });
        worker.shutdown();
    }

    private long modRevision(String key) throws SQLException {
        try (PreparedStatement query =
                connection.prepareStatement("SELECT mod_rev FROM kv WHERE key = ?")) {
            query.setString(1, key);
            try (ResultSet rows = query.executeQuery()) {
                return rows.next() ? rows.getLong(1) : 0;
            }
        }
    }

    private long meta(String name) throws SQLException {
        try (PreparedStatement query =
                connection.prepareStatement("SELECT value FROM meta WHERE name = ?")) {
            query.setString(1, name);
            try (ResultSet rows = query.executeQuery()) {
                return rows.next() ? rows.getLong(1) : 0;
            }
        }
    }

    private void setMeta(String name, long value) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement(
                        "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)")) {
            statement.setString(1, name);
            statement.setLong(2, value);
            statement.executeUpdate();
        }
    }

    private static List<Entry> entries(PreparedStatement query) throws SQLException {
        List<Entry> entries = new ArrayList<>();
        try (ResultSet rows = query.executeQuery()) {
            while (rows.next()) {
                entries.add(
                        new Entry(
                                rows.getString(1),
                                rows.getString(2),
                                rows.getLong(3),
                                rows.getLong(4)));
            }
        }
        return entries;
    }

    /** Runs work on the store's thread and waits for it. Whatever it left open is rolled back. */
    private <T> T submit(Work<T> work) {
        try {
            return worker.submit(() -> runOnWorker(work)).get();
        } catch (RejectedExecutionException e) {
            throw new StoreException("the store " + file + " is closed", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof StoreException failure) {
                throw failure;
            }
            throw new StoreException("the store " + file + " failed: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException("interrupted while waiting for the store " + file, e);
        }
    }

    private <T> T runOnWorker(Work<T> work) throws SQLException {
        T result;
        try {
            result = work.run();
        } catch (SQLException | RuntimeException e) {
            try {
                rollBack();
            } catch (SQLException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
        rollBack();
        return result;
    }

    private void rollBack() throws SQLException {
        if (connection.isClosed() || connection.getAutoCommit()) {
            return;
        }
        try {
            connection.rollback();
        } catch (SQLException e) {
            // After some failures, such as a full disk, SQLite has rolled back by itself, and the
            // driver, which finds nothing to roll back, does not begin anew.
            try (Statement statement = connection.createStatement()) {
                statement.execute("BEGIN");
            } catch (SQLException second) {
                e.addSuppressed(second);
                throw e;
            }
        }
    }
}
