package io.vireo.adapter.image;

import io.vireo.block.DiskImageReader;
import java.util.List;

/** A raw image. A last sector that is cut off is filled up with zeroes. */
final class RawReader implements DiskImageReader {
    private static final int SECTOR = 512;

    private final HostFile file;
    private final long capacity;

    RawReader(HostFile file, long size) {
        if (size == 0) {
            throw HostFile.invalid(file.name(), "is empty; give an image file");
        }
        this.file = file;
        capacity = (size + SECTOR - 1) / SECTOR * SECTOR;
    }

    @Override
    public String name() {
        return file.name();
    }

    @Override
    public long capacity() {
        return capacity;
    }

    @Override
    public List<String> notes() {
        return List.of();
    }

    @Override
    public long nextData(long offset) {
        return offset;
    }

    @Override
    public void read(long offset, byte[] into, int length) {
        file.read(offset, into, 0, length);
    }

    @Override
    public void close() {
        file.close();
    }
}
