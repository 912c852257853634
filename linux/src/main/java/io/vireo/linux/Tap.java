package io.vireo.linux;

import java.nio.file.Path;

/**
 * One queue of a TAP interface: a descriptor that reads and writes Ethernet frames, each after a
 * little-endian virtio-net header of 12 bytes (VIRTIO 1.3, 5.1.6),
 * Documentation/networking/tuntap.rst. Needs CAP_NET_ADMIN or an interface owned by the user.
 */
public final class Tap implements AutoCloseable {
    /** Bytes of header before each frame. */
    public static final int HEADER_SIZE = 12;

    // linux/if_tun.h: what the kernel may hand us unfinished, and so what we may hand it
    public static final int TUN_F_CSUM = 1;
    public static final int TUN_F_TSO4 = 2;
    public static final int TUN_F_TSO6 = 4;
    public static final int TUN_F_TSO_ECN = 8;

    private static final Path DEVICE = Path.of("/dev/net/tun");

    private final Fd fd;
    private final String name;

    private Tap(Fd fd, String name) {
        this.fd = fd;
        this.name = name;
    }

    /**
     * Opens a queue of an interface in the network namespace of this thread, and makes the
     * interface if there is none of that name.
     *
     * @param name of up to 15 bytes; {@code "x%d"} lets the kernel choose a number
     * @param multiQueue whether the interface has, or gets, more than one queue
     * @param offloads TUN_F constants
     */
    public static Tap open(String name, boolean multiQueue, int offloads) throws ErrnoException {
        Fd fd = PathCalls.open(DEVICE, PathCalls.O_RDWR | PathCalls.O_NONBLOCK, 0);
        try {
            Tap tap = new Tap(fd, attach(fd, name, multiQueue));
            tap.putInt(Constants.TUNSETVNETHDRSZ, HEADER_SIZE, "TUNSETVNETHDRSZ");
            tap.putInt(Constants.TUNSETVNETLE, 1, "TUNSETVNETLE");
            tap.setOffloads(offloads);
            return tap;
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    /** Returns the interface's name. */
    public String name() {
        return name;
    }

    /** Returns the descriptor, non-blocking and closed on exec. */
    public Fd fd() {
        return fd;
    }

    /**
     * Says which frames the kernel may hand us with checksum or segmentation left to do: TUN_F
     * constants.
     */
    public void setOffloads(int offloads) throws ErrnoException {
        control(Constants.TUNSETOFFLOAD, offloads, "TUNSETOFFLOAD");
    }

    /** Says whether the interface stays when its last queue is closed. */
    public void setPersistent(boolean persistent) throws ErrnoException {
        control(Constants.TUNSETPERSIST, persistent ? 1 : 0, "TUNSETPERSIST");
    }

    /** Says whether the interface has a carrier; each queue that is opened gives it one. */
    public void setCarrier(boolean carrier) throws ErrnoException {
        putInt(Constants.TUNSETCARRIER, carrier ? 1 : 0, "TUNSETCARRIER");
    }

    /** Lets a user other than the superuser open queues of the interface. */
    public void setOwner(int uid) throws ErrnoException {
        control(Constants.TUNSETOWNER, uid, "TUNSETOWNER");
    }

    /** Closes this queue; the interface goes with the last one unless it is persistent. */
    @Override
    public void close() {
        fd.close();
    }

    private static String attach(Fd fd, String name, boolean multiQueue) throws ErrnoException {
        int flags = Constants.IFF_TAP | Constants.IFF_NO_PI | Constants.IFF_VNET_HDR;
        try (NativeBuffer request = NetInterface.request(name)) {
            ForeignMemory.putShort(
                    request.address() + Layouts.Ifreq.IFR_FLAGS,
                    (short) (multiQueue ? flags | Constants.IFF_MULTI_QUEUE : flags));
            long result =
                    Syscall.call(
                            Syscall.IOCTL, fd.number(), Constants.TUNSETIFF, request.address());
            Syscall.check(result, "ioctl", "TUNSETIFF, " + name);
            return NetInterface.name(request);
        }
    }

    private void putInt(int request, int value, String requestName) throws ErrnoException {
        try (NativeBuffer argument = NativeBuffer.scratch(Integer.BYTES)) {
            ForeignMemory.putInt(argument.address(), value);
            control(request, argument.address(), requestName);
        }
    }

    private void control(int request, long argument, String requestName) throws ErrnoException {
        long result = Syscall.call(Syscall.IOCTL, fd.number(), request, argument);
        Syscall.check(result, "ioctl", requestName + ", " + name);
    }
}
