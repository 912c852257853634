package io.vireo.server;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Secrets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.Set;

/**
 * Secrets as files of one directory, readable by the daemon's user only. A file is read when its
 * secret is used: another content counts from the next use on.
 */
final class SecretFiles implements Secrets {
    private static final int MAX_BYTES = 4096;
    private static final Set<PosixFilePermission> OTHERS =
            Set.of(
                    PosixFilePermission.GROUP_READ,
                    PosixFilePermission.GROUP_WRITE,
                    PosixFilePermission.OTHERS_READ,
                    PosixFilePermission.OTHERS_WRITE);

    private final Path directory;

    SecretFiles(Path directory) {
        this.directory = directory;
    }

    @Override
    public byte[] secret(String name) {
        if (!name.matches(NAME)) {
            throw new ResourceException(ErrorCode.INVALID, "'" + name + "' is no name of a secret");
        }
        Path file = directory.resolve(name);
        try {
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new NoSuchFileException(file.toString());
            }
            if (Files.getPosixFilePermissions(file).stream().anyMatch(OTHERS::contains)) {
                throw new ResourceException(
                        ErrorCode.PERMISSION_DENIED,
                        "others than its owner can read or write " + file + ": chmod 600 it");
            }
            if (Files.size(file) > MAX_BYTES) {
                throw new ResourceException(
                        ErrorCode.INVALID, file + " is longer than " + MAX_BYTES + " bytes");
            }
            return withoutLineEnd(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "there is no secret "
                            + name
                            + ": put it into the file "
                            + file
                            + ", readable by its owner only",
                    e);
        } catch (IOException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE, "cannot read " + file + ": " + Messages.of(e), e);
        }
    }

    @Override
    public String describe(String name) {
        return "the secret " + name + " (" + directory.resolve(name) + ")";
    }

    /** Editors and echo end a file with a line feed, which nobody means. */
    private static byte[] withoutLineEnd(byte[] bytes) {
        int length = bytes.length;
        if (length > 0 && bytes[length - 1] == '\n') {
            length--;
        }
        return Arrays.copyOf(bytes, length);
    }
}
