package io.vireo.linux;

/** Where a file has extents and where it has holes, as its file system tells (FIEMAP). */
public final class FileExtents {
    /** Extents that are looked at in one call, which bounds its time. */
    private static final int MAX = 64;

    private FileExtents() {}

    /**
     * How far what begins at {@code offset} is alike: room that the file has, written to or not, or
     * a hole. What is beyond may be alike, too. Where the file system does not tell, there are no
     * holes. Reads of the file system's own data may block.
     *
     * @param length at most so many bytes, more than 0
     * @return bytes: positive of room, negative of a hole
     */
    public static long alike(int fd, long offset, long length) {
        int size = Layouts.Fiemap.SIZE + MAX * Layouts.FiemapExtent.SIZE;
        try (NativeBuffer map = NativeBuffer.scratch(size)) {
            long at = map.address();
            ForeignMemory.fill(at, Layouts.Fiemap.SIZE, (byte) 0);
            ForeignMemory.putLong(at + Layouts.Fiemap.FM_START, offset);
            ForeignMemory.putLong(at + Layouts.Fiemap.FM_LENGTH, length);
            ForeignMemory.putInt(at + Layouts.Fiemap.FM_EXTENT_COUNT, MAX);
            long request = Constants.FS_IOC_FIEMAP & 0xffffffffL;
            if (Syscall.call(Syscall.IOCTL, fd, request, at) < 0) {
                return length;
            }
            int count = ForeignMemory.getInt(at + Layouts.Fiemap.FM_MAPPED_EXTENTS);
            return alike(at + Layouts.Fiemap.SIZE, count, offset, offset + length);
        }
    }

    private static long alike(long extents, int count, long offset, long end) {
        long covered = offset;
        for (int i = 0; i < count; i++) {
            long extent = extents + (long) i * Layouts.FiemapExtent.SIZE;
            long start = ForeignMemory.getLong(extent + Layouts.FiemapExtent.FE_LOGICAL);
            long bytes = ForeignMemory.getLong(extent + Layouts.FiemapExtent.FE_LENGTH);
            if (start > covered) {
                return covered > offset
                        ? Math.min(covered, end) - offset
                        : offset - Math.min(start, end);
            }
            covered = Math.max(covered, start + bytes);
        }
        return covered > offset ? Math.min(covered, end) - offset : offset - end;
    }
}
