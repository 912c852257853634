package io.vireo.transport.vhostuser;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileStat;
import io.vireo.linux.Memfd;
import io.vireo.linux.MountTable;
import java.util.Optional;
import java.util.Set;

/**
 * Where the pages of a file come from that a front end would share. Those of FUSE come from a
 * process, those of NFS from another host: as long as such a one likes, whoever touches the page
 * waits in the kernel, and with it all that its reactor serves; where it waits in a load of
 * compiled code, in the end the whole process does. So memory is shared by what is memory, or is on
 * a disk of this host.
 */
final class PageSource {
    /** Types of file systems on disks of the host, and of those that are put together of these. */
    private static final Set<String> LOCAL =
            Set.of("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs", "overlay");

    private PageSource() {}

    /** Refuses a file whose pages somebody may keep back; nobody of these is asked anything. */
    static void check(Fd fd) throws ViolationException, ErrnoException {
        if (Memfd.isMemory(fd.number())) {
            return;
        }
        Optional<String> type = MountTable.read().typeOf(FileStat.known(fd));
        if (type.isEmpty() || !LOCAL.contains(type.get())) {
            throw new ViolationException(
                    "memory is shared by a memfd, or by a file of tmpfs, hugetlbfs or a file system"
                            + " on a disk of this host; this one is on "
                            + type.orElse("a file system that is not mounted here"));
        }
    }
}
