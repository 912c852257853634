package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.ref.Reference;

/**
 * What the kernel says about one network interface as it happens, rtnetlink(7). The socket stays in
 * the network namespace where it was opened, whoever reads it.
 *
 * <p>One thread calls {@link #drain}; any thread may ask for the state.
 */
public final class LinkSocket implements AutoCloseable {
    // linux/if.h
    private static final int IFF_UP = 1;

    /** The link has a carrier; linux/if.h, beyond the 16 bits that ioctls know. */
    public static final int IFF_LOWER_UP = 1 << 16;

    private static final int TYPE =
            Constants.SOCK_RAW | Constants.SOCK_CLOEXEC | Constants.SOCK_NONBLOCK;
    private static final int BUFFER = 32 * 1024;
    private static final int ALIGNMENT = 4;

    private final Fd fd;
    private final int index;
    private final Arena arena = Arena.ofAuto();
    private final long buffer = arena.allocate(BUFFER, 8).address();
    private volatile int flags;
    private volatile boolean present = true;

    private LinkSocket(Fd fd, int index) {
        this.fd = fd;
        this.index = index;
    }

    /**
     * Opens one for an interface of the calling thread's namespace. Its state is known when this
     * returns.
     *
     * @param index of the interface
     */
    public static LinkSocket open(int index) throws ErrnoException {
        long socket =
                Syscall.call(Syscall.SOCKET, Constants.AF_NETLINK, TYPE, Constants.NETLINK_ROUTE);
        LinkSocket link =
                new LinkSocket(Fd.of((int) Syscall.check(socket, "socket", "AF_NETLINK")), index);
        try {
            link.bind();
            link.ask();
            link.drain();
            return link;
        } catch (ErrnoException e) {
            link.close();
            throw e;
        }
    }

    /** Returns the descriptor, which polls readable when there is something to {@link #drain}. */
    public Fd fd() {
        return fd;
    }

    /** Returns whether the interface is there, up, and has a carrier. */
    public boolean isUp() {
        return present && (flags & IFF_UP) != 0 && (flags & IFF_LOWER_UP) != 0;
    }

    /** Returns whether the interface is there: one that was deleted, or moved away, is not. */
    public boolean isPresent() {
        return present;
    }

    /** Takes in what the kernel has said since the last time. */
    public void drain() {
        while (true) {
            long count = Syscall.call(Syscall.RECVFROM, fd.number(), buffer, BUFFER, 0, 0, 0);
            if (count > 0) {
                parse((int) count);
            } else if (count == -Errno.ENOBUFS) {
                // Events were lost: the answer to a question is as good.
                ask();
            } else if (count != -Errno.EINTR) {
                break;
            }
        }
        Reference.reachabilityFence(arena);
    }

    private void bind() throws ErrnoException {
        try (NativeBuffer address = NativeBuffer.scratch(Layouts.SockaddrNl.SIZE)) {
            ForeignMemory.putShort(
                    address.address() + Layouts.SockaddrNl.NL_FAMILY, (short) Constants.AF_NETLINK);
            ForeignMemory.putInt(
                    address.address() + Layouts.SockaddrNl.NL_GROUPS, Constants.RTMGRP_LINK);
            Syscall.check(
                    Syscall.call(
                            Syscall.BIND, fd.number(), address.address(), Layouts.SockaddrNl.SIZE),
                    "bind",
                    "AF_NETLINK");
        }
    }

    /** Asks for the interface; the kernel has answered into the socket when the call returns. */
    private void ask() {
        int length = Layouts.Nlmsghdr.SIZE + Layouts.Ifinfomsg.SIZE;
        try (NativeBuffer request = NativeBuffer.scratch(length)) {
            long at = request.address();
            ForeignMemory.putInt(at + Layouts.Nlmsghdr.NLMSG_LEN, length);
            ForeignMemory.putShort(at + Layouts.Nlmsghdr.NLMSG_TYPE, (short) Constants.RTM_GETLINK);
            ForeignMemory.putShort(
                    at + Layouts.Nlmsghdr.NLMSG_FLAGS, (short) Constants.NLM_F_REQUEST);
            ForeignMemory.putInt(at + Layouts.Nlmsghdr.SIZE + Layouts.Ifinfomsg.IFI_INDEX, index);
            Syscall.call(Syscall.SENDTO, fd.number(), at, length, 0, 0, 0);
        }
    }

    private void parse(int count) {
        int offset = 0;
        while (offset + Layouts.Nlmsghdr.SIZE <= count) {
            long message = buffer + offset;
            int length = ForeignMemory.getInt(message + Layouts.Nlmsghdr.NLMSG_LEN);
            if (length < Layouts.Nlmsghdr.SIZE || length > count - offset) {
                return;
            }
            take(message, length);
            offset += (length + ALIGNMENT - 1) & -ALIGNMENT;
        }
    }

    private void take(long message, int length) {
        int type =
                Short.toUnsignedInt(ForeignMemory.getShort(message + Layouts.Nlmsghdr.NLMSG_TYPE));
        if (type == Constants.NLMSG_ERROR) {
            // Of what we ask: there is no such interface.
            present = false;
            return;
        }
        long info = message + Layouts.Nlmsghdr.SIZE;
        if (length < Layouts.Nlmsghdr.SIZE + Layouts.Ifinfomsg.SIZE
                || ForeignMemory.getInt(info + Layouts.Ifinfomsg.IFI_INDEX) != index) {
            return;
        }
        if (type == Constants.RTM_NEWLINK) {
            flags = ForeignMemory.getInt(info + Layouts.Ifinfomsg.IFI_FLAGS);
            present = true;
        } else if (type == Constants.RTM_DELLINK
                && ForeignMemory.getByte(info + Layouts.Ifinfomsg.IFI_FAMILY) == 0) {
            // A bridge that lets a port go says so too, with its own family.
            present = false;
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
