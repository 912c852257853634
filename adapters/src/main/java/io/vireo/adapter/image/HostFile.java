package io.vireo.adapter.image;

import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.Arrays;

/** An open file: whole reads and writes at an offset, through a buffer of its own. */
final class HostFile implements AutoCloseable {
    private static final int BUFFER = 256 << 10;

    private final Fd fd;
    private final String name;
    private final NativeBuffer buffer = NativeBuffer.allocate(BUFFER, 4096);

    HostFile(Fd fd, String name) {
        this.fd = fd;
        this.name = name;
    }

    String name() {
        return name;
    }

    /** Reads; what is beyond the end of the file is zero. */
    void read(long offset, byte[] into, int at, int length) {
        int done = 0;
        while (done < length) {
            int piece = Math.min(length - done, BUFFER);
            long got = FileCalls.pread(fd.number(), buffer.address(), piece, offset + done);
            if (got == -Errno.EINTR) {
                continue;
            }
            if (got < 0) {
                throw failure("cannot be read", (int) -got);
            }
            if (got == 0) {
                Arrays.fill(into, at + done, at + length, (byte) 0);
                return;
            }
            ForeignMemory.copyToArray(buffer.address(), into, at + done, (int) got);
            done += (int) got;
        }
    }

    void write(long offset, byte[] from, int at, int length) {
        int done = 0;
        while (done < length) {
            int piece = Math.min(length - done, BUFFER);
            ForeignMemory.copyFromArray(from, at + done, buffer.address(), piece);
            long put = FileCalls.pwrite(fd.number(), buffer.address(), piece, offset + done);
            if (put == -Errno.EINTR) {
                continue;
            }
            if (put <= 0) {
                throw failure("cannot be written", put == 0 ? Errno.EIO : (int) -put);
            }
            done += (int) put;
        }
    }

    void resize(long size) {
        try {
            FileCalls.ftruncate(fd, size);
        } catch (ErrnoException e) {
            throw failure("cannot be made so large", e.errno());
        }
    }

    void sync() {
        int result = FileCalls.fsync(fd.number());
        if (result < 0) {
            throw failure("cannot be made durable", -result);
        }
    }

    private ResourceException failure(String what, int errno) {
        return ImageFiles.failure(name + " " + what, new ErrnoException(errno, "file I/O", name));
    }

    @Override
    public void close() {
        fd.close();
        buffer.close();
    }

    /** What is wrong with the contents of a file. */
    static ResourceException invalid(String name, String what) {
        return new ResourceException(ErrorCode.INVALID, name + " " + what);
    }
}
