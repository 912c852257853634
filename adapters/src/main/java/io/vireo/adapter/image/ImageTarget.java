package io.vireo.adapter.image;

import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.PathCalls;
import java.nio.file.Path;

/** A file that is being made beside its place, and takes it when it is finished. */
final class ImageTarget implements AutoCloseable {
    private final Fd parent;
    private final HostFile file;
    private final String unfinished;
    private final String name;
    private boolean finished;

    /** Takes over directory and file. */
    ImageTarget(Fd parent, HostFile file, String unfinished, String name) {
        this.parent = parent;
        this.file = file;
        this.unfinished = unfinished;
        this.name = name;
    }

    HostFile file() {
        return file;
    }

    void finish() {
        file.sync();
        try {
            PathCalls.renameat(
                    parent.number(), unfinished, parent.number(), name, PathCalls.RENAME_NOREPLACE);
            finished = true;
            int synced = FileCalls.fsync(parent.number());
            if (synced < 0) {
                throw new ErrnoException(-synced, "fsync", "the directory of " + file.name());
            }
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EEXIST) {
                throw ImageFiles.taken(Path.of(file.name()));
            }
            throw ImageFiles.failure(file.name() + " cannot be finished", e);
        }
    }

    @Override
    public void close() {
        if (!finished) {
            finished = true;
            try {
                PathCalls.unlinkat(parent.number(), unfinished);
            } catch (ErrnoException e) {
                // It stays behind, and the next attempt writes over it.
            }
        }
        file.close();
        parent.close();
    }
}
