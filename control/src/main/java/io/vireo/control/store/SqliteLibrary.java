package io.vireo.control.store;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sqlite.SQLiteJDBCLoader;

/** The native library of SQLite, which has to be a file to be loaded. */
public final class SqliteLibrary {
    private static final String FILES = "sqlite-*-libsqlitejdbc.so*";

    private SqliteLibrary() {}

    /**
     * Unpacks the library into a directory, which may be another one than /tmp because that may be
     * mounted noexec, loads it, and deletes it. Does nothing if it is loaded already.
     *
     * @param directory nobody else's: what processes that were killed left there is deleted
     * @throws StoreException if it cannot be unpacked, or not be loaded from there
     */
    public static void unpackInto(Path directory) {
        System.setProperty("org.sqlite.tmpdir", directory.toString());
        try {
            deleteIn(directory);
            SQLiteJDBCLoader.initialize();
            // It is loaded, and nobody has to delete it when the process ends.
            deleteIn(directory);
        } catch (IOException e) {
            throw new StoreException("cannot delete in " + directory + ": " + e.getMessage(), e);
        } catch (Exception e) {
            // Its message would mislead: it looks elsewhere at last, and names where it looked.
            var failure =
                    new StoreException(
                            "SQLite's library cannot be unpacked into "
                                    + directory
                                    + " and loaded: make 2 MiB of room there, and mount it without"
                                    + " noexec");
            failure.addSuppressed(e);
            throw failure;
        }
    }

    private static void deleteIn(Path directory) throws IOException {
        try (DirectoryStream<Path> left = Files.newDirectoryStream(directory, FILES)) {
            for (Path file : left) {
                Files.delete(file);
            }
        }
    }
}
