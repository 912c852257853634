package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A Unix stream socket that passes descriptors, unix(7), non-blocking and closed on exec.
 *
 * <p>A listening or connected socket, owned by one thread at a time. Transfers return a count or
 * -errno (-EAGAIN where the socket would block) and allocate nothing.
 */
public final class UnixSocket implements AutoCloseable {
    /** The most descriptors that the kernel lets pass in one message (SCM_MAX_FD). */
    public static final int MAX_FDS = 253;

    // linux/socket.h (include/linux/net.h)
    public static final int SHUT_RD = 0;
    public static final int SHUT_WR = 1;
    public static final int SHUT_RDWR = 2;

    private static final int TYPE =
            Constants.SOCK_STREAM | Constants.SOCK_CLOEXEC | Constants.SOCK_NONBLOCK;
    private static final int PATH_CAPACITY = Layouts.SockaddrUn.SIZE - Layouts.SockaddrUn.SUN_PATH;
    private static final int[] NO_FDS = {};
    private static final int CONTROL_SIZE = Layouts.Cmsghdr.SIZE + align8(MAX_FDS * Integer.BYTES);

    /**
     * Who is at the other end, as of the time of its connect or listen.
     *
     * @param pid in our PID namespace, 0 if it has none there
     * @param uid effective user
     * @param gid effective group
     */
    public record PeerCredentials(int pid, int uid, int gid) {}

    private final Fd fd;
    private final Arena arena = Arena.ofAuto();
    private final long header = arena.allocate(Layouts.Msghdr.SIZE, 8).address();
    private final long control = arena.allocate(CONTROL_SIZE, 8).address();
    private final IovecArray iovec = new IovecArray(arena, 1);
    private int received;
    private int discarded;
    private boolean truncated;

    private UnixSocket(Fd fd) {
        this.fd = fd;
    }

    /** Takes over an open socket, such as the one that {@link #accept} returned. */
    public static UnixSocket of(Fd fd) {
        return new UnixSocket(fd);
    }

    /** Listens at a path with the permissions that the umask leaves; see the other method. */
    public static UnixSocket listen(Path path, int backlog) throws ErrnoException {
        return listen(path, backlog, -1, -1, -1);
    }

    /**
     * Listens at a path. The file of a listener that has died is replaced. Nobody can connect
     * before the permissions are set.
     *
     * @param path of at most 107 bytes
     * @param backlog of connections that wait for accept
     * @param mode permission bits, -1 leaves them to the umask
     * @param uid owner, -1 leaves it
     * @param gid group, -1 leaves it
     * @throws ErrnoException EADDRINUSE where somebody listens there, EEXIST where something else
     *     than a socket is there, ENAMETOOLONG
     */
    public static UnixSocket listen(Path path, int backlog, int mode, int uid, int gid)
            throws ErrnoException {
        removeStale(path);
        UnixSocket socket = create();
        boolean bound = false;
        try {
            socket.withAddress(Syscall.BIND, "bind", path, path);
            bound = true;
            if (uid != -1 || gid != -1) {
                PathCalls.chown(PathCalls.AT_FDCWD, path.toString(), uid, gid);
            }
            if (mode != -1) {
                PathCalls.chmod(PathCalls.AT_FDCWD, path.toString(), mode);
            }
            Syscall.check(
                    Syscall.call(Syscall.LISTEN, socket.fd.number(), backlog), "listen", path);
            return socket;
        } catch (ErrnoException e) {
            socket.close();
            if (bound) {
                PathCalls.unlinkat(PathCalls.AT_FDCWD, path.toString());
            }
            throw e;
        }
    }

    /**
     * Connects at once or fails: ENOENT, ECONNREFUSED, EACCES, or EAGAIN where the listener's
     * backlog is full. A symbolic link is not followed, ELOOP: whoever may put one there would
     * choose what we talk to with our rights. The path may be of any length.
     */
    public static UnixSocket connect(Path path) throws ErrnoException {
        int flags = PathCalls.O_PATH | PathCalls.O_NOFOLLOW;
        try (Fd file = PathCalls.open(path, flags, 0)) {
            if (FileStat.known(file).isSymbolicLink()) {
                throw new ErrnoException(Errno.ELOOP, "connect", path + " is a symbolic link");
            }
            UnixSocket socket = create();
            try {
                // What was opened, whatever has the name by now.
                socket.withAddress(
                        Syscall.CONNECT,
                        "connect",
                        Path.of("/proc/self/fd/" + file.number()),
                        path);
                return socket;
            } catch (ErrnoException e) {
                socket.close();
                throw e;
            }
        }
    }

    /** Returns the two ends of a new connection. */
    public static UnixSocket[] pair() throws ErrnoException {
        try (NativeBuffer ends = NativeBuffer.scratch(2 * Integer.BYTES)) {
            long result =
                    Syscall.call(Syscall.SOCKETPAIR, Constants.AF_UNIX, TYPE, 0, ends.address());
            Syscall.check(result, "socketpair", "AF_UNIX");
            Fd first = Fd.of(ForeignMemory.getInt(ends.address()));
            Fd second = Fd.of(ForeignMemory.getInt(ends.address() + Integer.BYTES));
            return new UnixSocket[] {new UnixSocket(first), new UnixSocket(second)};
        }
    }

    /**
     * Takes a waiting connection. Returns the number of a non-blocking descriptor, closed on exec,
     * or -errno.
     */
    public int accept() {
        int flags = Constants.SOCK_CLOEXEC | Constants.SOCK_NONBLOCK;
        return (int) Syscall.call(Syscall.ACCEPT4, fd.number(), 0, 0, flags);
    }

    /** Sends bytes without descriptors. Returns the number sent, which may be less, or -errno. */
    public int send(long address, int length) {
        return sendmsg(address, length, NO_FDS, 0);
    }

    /**
     * Sends bytes, and with the first of them descriptors, which stay open here.
     *
     * @param address of the bytes
     * @param length at least 1, or no descriptors would pass
     * @param fds numbers of descriptors
     * @param count how many of them, at most {@link #MAX_FDS}
     * @return the number of bytes sent, which may be less (the descriptors have gone if it is
     *     positive), or -errno
     */
    public int sendmsg(long address, int length, int[] fds, int count) {
        prepare(address, length);
        if (count == 0) {
            ForeignMemory.putLong(header + Layouts.Msghdr.MSG_CONTROL, 0);
            ForeignMemory.putLong(header + Layouts.Msghdr.MSG_CONTROLLEN, 0);
        } else {
            if (count > MAX_FDS) {
                return -Errno.EINVAL;
            }
            int dataLength = count * Integer.BYTES;
            ForeignMemory.putLong(
                    control + Layouts.Cmsghdr.CMSG_LEN, Layouts.Cmsghdr.SIZE + dataLength);
            ForeignMemory.putInt(control + Layouts.Cmsghdr.CMSG_LEVEL, Constants.SOL_SOCKET);
            ForeignMemory.putInt(control + Layouts.Cmsghdr.CMSG_TYPE, Constants.SCM_RIGHTS);
            for (int i = 0; i < count; i++) {
                ForeignMemory.putInt(
                        control + Layouts.Cmsghdr.SIZE + (long) i * Integer.BYTES, fds[i]);
            }
            ForeignMemory.putLong(
                    header + Layouts.Msghdr.MSG_CONTROLLEN,
                    Layouts.Cmsghdr.SIZE + align8(dataLength));
        }
        // Without MSG_NOSIGNAL a peer that has gone would kill us by SIGPIPE where nobody ignores
        // it.
        int flags = Constants.MSG_NOSIGNAL | Constants.MSG_DONTWAIT;
        long result = Syscall.call(Syscall.SENDMSG, fd.number(), header, flags);
        Reference.reachabilityFence(arena);
        return (int) result;
    }

    /**
     * Receives bytes and the descriptors that came with them, closed on exec. Descriptors beyond
     * {@code fds.length} are closed at once; {@link #receivedFds}, {@link #discardedFds} and {@link
     * #controlTruncated} tell of this call until the next.
     *
     * @param address where the bytes go
     * @param length at least 1
     * @param fds where the numbers go; the caller owns them
     * @return the number of bytes, 0 where the peer has shut down, or -errno
     */
    public int recvmsg(long address, int length, int[] fds) {
        received = 0;
        discarded = 0;
        truncated = false;
        prepare(address, length);
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_CONTROLLEN, CONTROL_SIZE);
        int flags = Constants.MSG_CMSG_CLOEXEC | Constants.MSG_DONTWAIT;
        long result = Syscall.call(Syscall.RECVMSG, fd.number(), header, flags);
        if (result >= 0) {
            truncated =
                    (ForeignMemory.getInt(header + Layouts.Msghdr.MSG_FLAGS) & Constants.MSG_CTRUNC)
                            != 0;
            collect(fds);
        }
        Reference.reachabilityFence(arena);
        return (int) result;
    }

    /** Returns how many descriptors the last {@link #recvmsg} stored. */
    public int receivedFds() {
        return received;
    }

    /** Returns how many descriptors the last {@link #recvmsg} closed for want of space. */
    public int discardedFds() {
        return discarded;
    }

    /**
     * Returns whether the kernel dropped descriptors in the last {@link #recvmsg}, for example
     * because we have too many open.
     */
    public boolean controlTruncated() {
        return truncated;
    }

    /** Returns whether a descriptor is a Unix socket; no file system is asked. */
    public static boolean isUnix(Fd fd) {
        try (NativeBuffer domain = NativeBuffer.scratch(Integer.BYTES)) {
            return option(fd, Constants.SO_DOMAIN, domain, Integer.BYTES) >= 0
                    && ForeignMemory.getInt(domain.address()) == Constants.AF_UNIX;
        }
    }

    /** Reads an option of the level SOL_SOCKET. Returns 0 or -errno. */
    private static long option(Fd fd, int name, NativeBuffer to, int size) {
        try (NativeBuffer length = NativeBuffer.scratch(Integer.BYTES)) {
            ForeignMemory.putInt(length.address(), size);
            return Syscall.call(
                    Syscall.GETSOCKOPT,
                    fd.number(),
                    Constants.SOL_SOCKET,
                    name,
                    to.address(),
                    length.address());
        }
    }

    /** Returns who is at the other end. */
    public PeerCredentials peerCredentials() throws ErrnoException {
        try (NativeBuffer ucred = NativeBuffer.scratch(Layouts.Ucred.SIZE)) {
            long result = option(fd, Constants.SO_PEERCRED, ucred, Layouts.Ucred.SIZE);
            Syscall.check(result, "getsockopt", "SO_PEERCRED, " + fd);
            return new PeerCredentials(
                    ForeignMemory.getInt(ucred.address() + Layouts.Ucred.PID),
                    ForeignMemory.getInt(ucred.address() + Layouts.Ucred.UID),
                    ForeignMemory.getInt(ucred.address() + Layouts.Ucred.GID));
        }
    }

    /** Ends one or both directions, SHUT constants. Returns 0 or -errno. */
    public int shutdown(int how) {
        return (int) Syscall.call(Syscall.SHUTDOWN, fd.number(), how);
    }

    /** Returns the descriptor. */
    public Fd fd() {
        return fd;
    }

    /** Closes a descriptor that came by {@link #recvmsg}. */
    public void closeReceived(int number) {
        fd.closeAlike(number);
    }

    /**
     * Closes it. The other end learns of it at once, also where what is queued takes its time to be
     * closed.
     */
    @Override
    public void close() {
        if (fd.isForeign()) {
            shutdown(SHUT_RDWR);
        }
        fd.close();
    }

    private static UnixSocket create() throws ErrnoException {
        long result = Syscall.call(Syscall.SOCKET, Constants.AF_UNIX, TYPE, 0);
        return new UnixSocket(Fd.of((int) Syscall.check(result, "socket", "AF_UNIX")));
    }

    private static void removeStale(Path path) throws ErrnoException {
        FileStat existing;
        try {
            existing = FileStat.of(PathCalls.AT_FDCWD, path.toString());
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return;
            }
            throw e;
        }
        if (!existing.isSocket()) {
            throw new ErrnoException(Errno.EEXIST, "bind", path + " is no socket");
        }
        try {
            connect(path).close();
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ECONNREFUSED) {
                PathCalls.unlinkat(PathCalls.AT_FDCWD, path.toString());
                return;
            }
        }
        throw new ErrnoException(Errno.EADDRINUSE, "bind", path.toString());
    }

    /** Makes a call with a path; {@code name} is what it is told by. */
    private void withAddress(int number, String call, Path path, Path name) throws ErrnoException {
        byte[] bytes = path.toString().getBytes(StandardCharsets.UTF_8);
        if (bytes.length >= PATH_CAPACITY) {
            throw new ErrnoException(
                    Errno.ENAMETOOLONG, call, name + ", at most " + (PATH_CAPACITY - 1) + " bytes");
        }
        try (NativeBuffer address = NativeBuffer.scratch(Layouts.SockaddrUn.SIZE)) {
            ForeignMemory.putShort(
                    address.address() + Layouts.SockaddrUn.SUN_FAMILY, (short) Constants.AF_UNIX);
            ForeignMemory.copyFromArray(
                    bytes, 0, address.address() + Layouts.SockaddrUn.SUN_PATH, bytes.length);
            long length = Layouts.SockaddrUn.SUN_PATH + bytes.length + 1L;
            Syscall.check(Syscall.call(number, fd.number(), address.address(), length), call, name);
        }
    }

    private void prepare(long address, int length) {
        iovec.set(0, address, length);
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_NAME, 0);
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_NAMELEN, 0);
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_IOV, iovec.address());
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_IOVLEN, 1);
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_CONTROL, control);
        ForeignMemory.putInt(header + Layouts.Msghdr.MSG_FLAGS, 0);
    }

    private void collect(int[] fds) {
        long end = control + ForeignMemory.getLong(header + Layouts.Msghdr.MSG_CONTROLLEN);
        long message = control;
        while (message + Layouts.Cmsghdr.SIZE <= end) {
            long length = ForeignMemory.getLong(message + Layouts.Cmsghdr.CMSG_LEN);
            if (ForeignMemory.getInt(message + Layouts.Cmsghdr.CMSG_LEVEL) == Constants.SOL_SOCKET
                    && ForeignMemory.getInt(message + Layouts.Cmsghdr.CMSG_TYPE)
                            == Constants.SCM_RIGHTS) {
                collect(message + Layouts.Cmsghdr.SIZE, message + length, fds);
            }
            message += align8((int) length);
        }
    }

    private void collect(long from, long to, int[] fds) {
        for (long at = from; at + Integer.BYTES <= to; at += Integer.BYTES) {
            int number = ForeignMemory.getInt(at);
            if (received < fds.length) {
                fds[received++] = number;
            } else {
                fd.closeAlike(number);
                discarded++;
            }
        }
    }

    private static int align8(int length) {
        return (length + 7) & ~7;
    }
}
