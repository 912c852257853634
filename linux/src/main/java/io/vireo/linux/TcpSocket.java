package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.ref.Reference;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/**
 * A TCP socket over IPv4 or IPv6, tcp(7), non-blocking, closed on exec, without Nagle's delay.
 *
 * <p>A listening or connected socket, owned by one thread at a time. Transfers return a count or
 * -errno (-EAGAIN where the socket would block) and allocate nothing.
 */
public final class TcpSocket implements AutoCloseable {
    private static final int TYPE =
            Constants.SOCK_STREAM | Constants.SOCK_CLOEXEC | Constants.SOCK_NONBLOCK;
    private static final int V4_LENGTH = 4;
    private static final int V6_LENGTH = 16;

    private final Fd fd;
    private final Arena arena = Arena.ofAuto();
    private final long header = arena.allocate(Layouts.Msghdr.SIZE, 8).address();

    private TcpSocket(Fd fd) {
        this.fd = fd;
    }

    /** Takes over an open socket, such as the one that {@link #accept} returned. */
    public static TcpSocket of(Fd fd) {
        TcpSocket socket = new TcpSocket(fd);
        socket.set(Constants.IPPROTO_TCP, Constants.TCP_NODELAY, 1);
        return socket;
    }

    /**
     * Listens. An address of IPv6 takes IPv6 only, so that both wildcards can be listened at.
     *
     * @param address of this host, resolved; port 0 for a free one
     * @param backlog of connections that wait for accept
     * @throws ErrnoException EADDRINUSE, EADDRNOTAVAIL, EACCES, EAFNOSUPPORT
     */
    public static TcpSocket listen(InetSocketAddress address, int backlog) throws ErrnoException {
        TcpSocket socket = create(address);
        try {
            // A port is free again at once, though old connections to it linger in TIME_WAIT.
            socket.set(Constants.SOL_SOCKET, Constants.SO_REUSEADDR, 1);
            if (!isV4(address)) {
                socket.set(Constants.IPPROTO_IPV6, Constants.IPV6_V6ONLY, 1);
            }
            Syscall.check(socket.withAddress(Syscall.BIND, address), "bind", address);
            long result = Syscall.call(Syscall.LISTEN, socket.fd.number(), backlog);
            Syscall.check(result, "listen", address);
            return socket;
        } catch (ErrnoException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Begins to connect: the socket polls writable when that has ended, and its first transfer
     * tells how.
     *
     * @param address resolved
     */
    public static TcpSocket connect(InetSocketAddress address) throws ErrnoException {
        TcpSocket socket = create(address);
        long result = socket.withAddress(Syscall.CONNECT, address);
        if (result < 0 && result != -Errno.EINPROGRESS) {
            socket.close();
            Syscall.check(result, "connect", address);
        }
        return socket;
    }

    private static TcpSocket create(InetSocketAddress address) throws ErrnoException {
        if (address.isUnresolved()) {
            throw new IllegalArgumentException(address + " is not resolved");
        }
        int family = isV4(address) ? Constants.AF_INET : Constants.AF_INET6;
        long result = Syscall.call(Syscall.SOCKET, family, TYPE, 0);
        return of(Fd.of((int) Syscall.check(result, "socket", address)));
    }

    private static boolean isV4(InetSocketAddress address) {
        return address.getAddress() instanceof Inet4Address;
    }

    /**
     * Takes a waiting connection. Returns the number of a non-blocking descriptor, closed on exec,
     * or -errno.
     */
    public int accept() {
        int flags = Constants.SOCK_CLOEXEC | Constants.SOCK_NONBLOCK;
        return (int) Syscall.call(Syscall.ACCEPT4, fd.number(), 0, 0, flags);
    }

    /** Receives up to {@code length} bytes. Returns their number, 0 at the end, or -errno. */
    public int receive(long address, int length) {
        return (int)
                Syscall.call(
                        Syscall.RECVFROM,
                        fd.number(),
                        address,
                        length,
                        Constants.MSG_DONTWAIT,
                        0,
                        0);
    }

    /** Receives into {@code count} buffers from the first. Returns as {@link #receive}. */
    public int receive(IovecArray buffers, int count) {
        prepare(buffers.address(), count);
        long result = Syscall.call(Syscall.RECVMSG, fd.number(), header, Constants.MSG_DONTWAIT);
        Reference.reachabilityFence(arena);
        Reference.reachabilityFence(buffers);
        return (int) result;
    }

    /** Sends bytes. Returns the number sent, which may be less, or -errno. */
    public int send(long address, int length) {
        int flags = Constants.MSG_NOSIGNAL | Constants.MSG_DONTWAIT;
        return (int) Syscall.call(Syscall.SENDTO, fd.number(), address, length, flags, 0, 0);
    }

    /**
     * Sends {@code count} buffers from the one at {@code first} on, at most {@link
     * IovecArray#UIO_MAXIOV}. Returns as {@link #send}.
     */
    public int send(IovecArray buffers, int first, int count) {
        prepare(buffers.address(first), count);
        int flags = Constants.MSG_NOSIGNAL | Constants.MSG_DONTWAIT;
        long result = Syscall.call(Syscall.SENDMSG, fd.number(), header, flags);
        Reference.reachabilityFence(arena);
        Reference.reachabilityFence(buffers);
        return (int) result;
    }

    private void prepare(long iovecs, int count) {
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_NAME, 0);
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_NAMELEN, 0);
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_IOV, iovecs);
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_IOVLEN, count);
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_CONTROL, 0);
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_CONTROLLEN, 0);
        ForeignMemory.putInt(header + Layouts.Msghdr.MSG_FLAGS, 0);
    }

    /** Has the kernel probe a peer that is silent. Returns 0 or -errno. */
    public int keepAlive() {
        return set(Constants.SOL_SOCKET, Constants.SO_KEEPALIVE, 1);
    }

    private int set(int level, int option, int value) {
        try (NativeBuffer argument = NativeBuffer.scratch(Integer.BYTES)) {
            ForeignMemory.putInt(argument.address(), value);
            return (int)
                    Syscall.call(
                            Syscall.SETSOCKOPT,
                            fd.number(),
                            level,
                            option,
                            argument.address(),
                            Integer.BYTES);
        }
    }

    /** Returns our own address, with the port that the kernel chose. */
    public InetSocketAddress localAddress() throws ErrnoException {
        return address(Syscall.GETSOCKNAME, "getsockname");
    }

    /** Returns the other end's address; ENOTCONN where there is none. */
    public InetSocketAddress peerAddress() throws ErrnoException {
        return address(Syscall.GETPEERNAME, "getpeername");
    }

    private InetSocketAddress address(int number, String call) throws ErrnoException {
        try (NativeBuffer name = NativeBuffer.scratch(Layouts.SockaddrIn6.SIZE);
                NativeBuffer length = NativeBuffer.scratch(Integer.BYTES)) {
            ForeignMemory.putInt(length.address(), Layouts.SockaddrIn6.SIZE);
            long result = Syscall.call(number, fd.number(), name.address(), length.address());
            Syscall.check(result, call, fd);
            long at = name.address();
            boolean four =
                    ForeignMemory.getShort(at + Layouts.SockaddrIn.SIN_FAMILY) == Constants.AF_INET;
            byte[] bytes = new byte[four ? V4_LENGTH : V6_LENGTH];
            int from = four ? Layouts.SockaddrIn.SIN_ADDR : Layouts.SockaddrIn6.SIN6_ADDR;
            ForeignMemory.copyToArray(at + from, bytes, 0, bytes.length);
            int port =
                    Short.toUnsignedInt(
                            Short.reverseBytes(
                                    ForeignMemory.getShort(at + Layouts.SockaddrIn.SIN_PORT)));
            return new InetSocketAddress(InetAddress.getByAddress(bytes), port);
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private long withAddress(int number, InetSocketAddress address) {
        boolean four = isV4(address);
        int length = four ? Layouts.SockaddrIn.SIZE : Layouts.SockaddrIn6.SIZE;
        try (NativeBuffer name = NativeBuffer.scratch(length)) {
            long at = name.address();
            ForeignMemory.putShort(
                    at + Layouts.SockaddrIn.SIN_FAMILY,
                    (short) (four ? Constants.AF_INET : Constants.AF_INET6));
            ForeignMemory.putShort(
                    at + Layouts.SockaddrIn.SIN_PORT,
                    Short.reverseBytes((short) address.getPort()));
            byte[] bytes = address.getAddress().getAddress();
            int to = four ? Layouts.SockaddrIn.SIN_ADDR : Layouts.SockaddrIn6.SIN6_ADDR;
            ForeignMemory.copyFromArray(bytes, 0, at + to, bytes.length);
            if (address.getAddress() instanceof java.net.Inet6Address six) {
                ForeignMemory.putInt(at + Layouts.SockaddrIn6.SIN6_SCOPE_ID, six.getScopeId());
            }
            return Syscall.call(number, fd.number(), at, length);
        }
    }

    /** Ends one or both directions, SHUT constants of {@link UnixSocket}. Returns 0 or -errno. */
    public int shutdown(int how) {
        return (int) Syscall.call(Syscall.SHUTDOWN, fd.number(), how);
    }

    /** Returns the descriptor. */
    public Fd fd() {
        return fd;
    }

    @Override
    public void close() {
        fd.close();
    }
}
