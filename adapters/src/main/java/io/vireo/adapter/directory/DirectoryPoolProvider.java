package io.vireo.adapter.directory;

import io.vireo.adapter.file.HostIoSource;
import io.vireo.adapter.file.ImageFile;
import io.vireo.adapter.file.ThreadIo;
import io.vireo.adapter.uring.UringIo;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockPoolProvider;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.IoUring;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.PoolSpec;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/** Opens {@link DirectoryPool}s. */
public final class DirectoryPoolProvider implements BlockPoolProvider {
    @Override
    public PoolSpec.Type type() {
        return PoolSpec.Type.DIRECTORY;
    }

    @Override
    public BlockPool open(PoolSpec spec, boolean create) {
        Path path = Path.of(spec.path().orElseThrow());
        HostIoSource engines = engines(spec.backend());
        if (create) {
            make(path);
        }
        try {
            Fd directory = ImageFile.openDirectory(path);
            try {
                return new DirectoryPool(path, directory, engines, spec.directIo());
            } catch (ErrnoException e) {
                directory.close();
                throw e;
            }
        } catch (ErrnoException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    path
                            + " cannot be opened as a pool ("
                            + e.errnoName()
                            + "); mount or restore it, or give Vireo access to it",
                    e);
        }
    }

    static HostIoSource engines(PoolSpec.Backend backend) {
        Optional<String> missing =
                backend == PoolSpec.Backend.THREADS
                        ? Optional.empty()
                        : IoUring.unavailableReason();
        return switch (backend) {
            case THREADS -> ThreadIo::acquire;
            case AUTO -> missing.isEmpty() ? UringIo::acquire : ThreadIo::acquire;
            case URING -> {
                if (missing.isPresent()) {
                    throw new ResourceException(
                            ErrorCode.UNSUPPORTED,
                            "io_uring cannot be used here: "
                                    + missing.get()
                                    + "; allow it or set the pool's backend to auto");
                }
                yield UringIo::acquire;
            }
        };
    }

    private static void make(Path path) {
        try {
            // Those who may read an image are not to be many: nobody but owner and group gets in.
            var permissions = PosixFilePermissions.fromString("rwxr-x---");
            Files.createDirectories(path, PosixFilePermissions.asFileAttribute(permissions));
        } catch (IOException e) {
            String why =
                    e instanceof FileSystemException file && file.getReason() != null
                            ? file.getReason()
                            : "is there a directory above it, and may Vireo write to it?";
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE, "the directory " + path + " cannot be made: " + why, e);
        }
    }
}
