package io.vireo.adapter.directory;

import io.vireo.adapter.file.HostIoSource;
import io.vireo.adapter.file.ImageFile;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockPoolProvider;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileStat;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.PoolSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Opens {@link ImagePool}s: disks and files of the host that are vDisks as they are. */
public final class ImagePoolProvider implements BlockPoolProvider {
    private static final int SECTOR = 512;
    private static final int ANY_WRITE_PERMISSION = 0222;
    private static final int HEAD = 8;

    /** What files of other formats begin with, as their specifications say. */
    private static final Map<String, String> FORMATS =
            Map.of("QFI\u00fb", "qcow2", "KDMV", "VMDK", "vhdxfile", "VHDX", "conectix", "VHD");

    @Override
    public PoolSpec.Type type() {
        return PoolSpec.Type.IMAGE;
    }

    @Override
    public BlockPool open(PoolSpec spec, boolean create) {
        Path path = Path.of(spec.path().orElseThrow());
        HostIoSource engines = DirectoryPoolProvider.engines(spec.backend());
        try {
            Path real = path.toRealPath();
            Fd folder = ImageFile.openDirectory(RawDisks.folder(real));
            try {
                return open(path, folder, real.getFileName().toString(), engines, spec, create);
            } catch (ErrnoException | ResourceException e) {
                folder.close();
                throw e;
            }
        } catch (ErrnoException e) {
            throw RawDisks.failure(path, e);
        } catch (IOException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    path + " is not there; attach the disk, mount or restore the file",
                    e);
        }
    }

    private static BlockPool open(
            Path path, Fd folder, String name, HostIoSource engines, PoolSpec spec, boolean create)
            throws ErrnoException {
        FileStat stat = FileStat.of(folder.number(), name);
        int sector = stat.isBlockDevice() ? RawDisks.sectorSize(folder, name) : SECTOR;
        ImageFile image = open(folder, name, stat, sector, spec.directIo());
        try {
            // Later its guest may have written anything, which is not looked at.
            if (create) {
                check(path, image);
            }
            return new ImagePool(path, folder, image, engines, sector);
        } catch (ErrnoException | ResourceException e) {
            image.close();
            throw e;
        }
    }

    private static ImageFile open(
            Fd folder, String name, FileStat stat, int sector, boolean directIo)
            throws ErrnoException {
        if ((stat.permissions() & ANY_WRITE_PERMISSION) == 0) {
            return ImageFile.openReadOnly(folder, name);
        }
        try {
            return stat.isBlockDevice()
                    ? ImageFile.openDevice(folder, name, directIo, sector)
                    : ImageFile.open(folder, name, directIo, sector);
        } catch (ErrnoException e) {
            return switch (e.errno()) {
                case Errno.EACCES, Errno.EPERM, Errno.EROFS -> ImageFile.openReadOnly(folder, name);
                default -> throw e;
            };
        }
    }

    private static void check(Path path, ImageFile image) throws ErrnoException {
        String head = new String(image.head(HEAD), StandardCharsets.ISO_8859_1);
        Optional<String> format =
                FORMATS.entrySet().stream()
                        .filter(each -> head.startsWith(each.getKey()))
                        .map(Map.Entry::getValue)
                        .findFirst();
        if (format.isPresent()) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "%s is a %s file, and a pool of type image takes raw ones only: import it by copy, with the source of a Vdisk in another pool"
                            .formatted(path, format.get()));
        }
        if (image.capacity() == 0 || image.capacity() % SECTOR != 0) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "%s has %d bytes, which is no whole number of blocks of 512: import it by copy, with the source of a Vdisk in another pool"
                            .formatted(path, image.capacity()));
        }
    }
}
