package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.ref.Reference;

/**
 * A packet socket of one interface, packet(7): every frame that arrives there, and frames to send.
 * Both with a virtio-net header of 10 bytes before the frame, so that checksums and segmentation
 * may be left to do. Needs CAP_NET_RAW.
 *
 * <p>Frames that arrive lie in a ring shared with the kernel (TPACKET_V2), a slot each. {@link
 * #next} takes the slot of the next one, {@link #giveBack} returns all that were taken. A frame
 * that is longer than a slot is fetched from the socket by {@link #receiveLong}: the ring stays
 * small and large packets, which are worth a call each, come through whole.
 *
 * <p>Transfers return -errno and neither throw nor allocate. One thread at a time.
 */
public final class PacketSocket implements AutoCloseable {
    /** Bytes of the virtio-net header, without the number of buffers. */
    public static final int VNET_HEADER = 10;

    private static final int TYPE =
            Constants.SOCK_RAW | Constants.SOCK_CLOEXEC | Constants.SOCK_NONBLOCK;
    private static final int BLOCK = 256 * 1024;
    private static final int SOCKET_BUFFER = 8 * 1024 * 1024;

    // A slot begins with the kernel's headers and the virtio-net header, aligned.
    private static final int SLOT_OVERHEAD = 128;
    private static final int SLOT_MIN = 2048;

    private final Fd fd;
    private final int slotSize;
    private final int slots;
    private final Mapping ring;
    private final Arena arena = Arena.ofAuto();
    private final long statistics = arena.allocate(Layouts.TpacketStats.SIZE, 8).address();
    private final long statisticsLength = arena.allocate(Integer.BYTES, 8).address();

    private int head;
    private int taken;
    private long slot;
    private long dropped;

    private PacketSocket(Fd fd, int slotSize, int slots, Mapping ring) {
        this.fd = fd;
        this.slotSize = slotSize;
        this.slots = slots;
        this.ring = ring;
    }

    /**
     * Opens one on an interface of the calling thread's namespace. The interface is promiscuous for
     * as long as the socket is open.
     *
     * @param index of the interface
     * @param frame bytes that a frame usually has at most: longer ones cost a call
     */
    public static PacketSocket open(int index, int frame) throws ErrnoException {
        // No protocol until it is bound: frames of other interfaces would come as well.
        long socket = Syscall.call(Syscall.SOCKET, Constants.AF_PACKET, TYPE, 0);
        Fd fd = Fd.of((int) Syscall.check(socket, "socket", "AF_PACKET"));
        try {
            set(fd, Constants.PACKET_VERSION, Constants.TPACKET_V2, "PACKET_VERSION");
            set(fd, Constants.PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
            set(fd, Constants.PACKET_COPY_THRESH, 1, "PACKET_COPY_THRESH");
            set(fd, Constants.PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
            buffers(fd);
            int slotSize =
                    Math.max(SLOT_MIN, Integer.highestOneBit(SLOT_OVERHEAD + frame - 1) << 1);
            int slots = slotSize > 2 * SLOT_MIN ? 1024 : 2048;
            PacketSocket opened = new PacketSocket(fd, slotSize, slots, map(fd, slotSize, slots));
            promiscuous(fd, index);
            bind(fd, index);
            return opened;
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Opens a socket that receives nothing and keeps an interface promiscuous until it is closed.
     */
    public static Fd promiscuous(int index) throws ErrnoException {
        long socket = Syscall.call(Syscall.SOCKET, Constants.AF_PACKET, TYPE, 0);
        Fd fd = Fd.of((int) Syscall.check(socket, "socket", "AF_PACKET"));
        try {
            promiscuous(fd, index);
            return fd;
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    /** Returns the descriptor, which polls readable when there is a frame. */
    public Fd fd() {
        return fd;
    }

    /** Returns whether there is a frame that was not taken. */
    public boolean hasNext() {
        return taken < slots && (status(address(head + taken)) & Constants.TP_STATUS_USER) != 0;
    }

    /** Takes the next frame; the methods below tell of it until the next call. */
    public boolean next() {
        if (!hasNext()) {
            return false;
        }
        slot = address(head + taken);
        taken++;
        return true;
    }

    /** Returns the address of the frame, behind its virtio-net header. */
    public long frame() {
        return slot
                + Short.toUnsignedInt(ForeignMemory.getShort(slot + Layouts.Tpacket2Hdr.TP_MAC));
    }

    /** Returns the bytes of the frame. */
    public int length() {
        return ForeignMemory.getInt(slot + Layouts.Tpacket2Hdr.TP_LEN);
    }

    /** Returns whether all of the frame is in its slot. */
    public boolean isWhole() {
        return ForeignMemory.getInt(slot + Layouts.Tpacket2Hdr.TP_SNAPLEN) == length();
    }

    /**
     * Returns whether the frame waits in the socket: {@link #receiveLong} must be called, once. One
     * that is neither whole nor there was too long for the socket's buffer.
     */
    public boolean isInSocket() {
        return (status(slot) & Constants.TP_STATUS_COPY) != 0;
    }

    /** Returns whether the kernel took a VLAN tag out of the frame. */
    public boolean hasTag() {
        return (status(slot) & Constants.TP_STATUS_VLAN_VALID) != 0;
    }

    /** Returns the four bytes of that tag as they were in the frame, as a little-endian number. */
    public int tag() {
        int known = status(slot) & Constants.TP_STATUS_VLAN_TPID_VALID;
        short type =
                known != 0
                        ? ForeignMemory.getShort(slot + Layouts.Tpacket2Hdr.TP_VLAN_TPID)
                        : (short) 0x8100;
        short tci = ForeignMemory.getShort(slot + Layouts.Tpacket2Hdr.TP_VLAN_TCI);
        return Short.toUnsignedInt(Short.reverseBytes(type))
                | Short.toUnsignedInt(Short.reverseBytes(tci)) << 16;
    }

    /** Reads the next long frame, after its virtio-net header; returns the bytes of both. */
    public long receiveLong(long address, long room) {
        return Syscall.call(Syscall.RECVFROM, fd.number(), address, room, 0, 0, 0);
    }

    /** Gives the slots of all frames that were taken back to the kernel. */
    public void giveBack() {
        for (; taken > 0; taken--) {
            // Release: the reads of the frame stay before the store that lets the kernel overwrite
            // it.
            ForeignMemory.putIntRelease(
                    address(head) + Layouts.Tpacket2Hdr.TP_STATUS, Constants.TP_STATUS_KERNEL);
            head = next(head);
        }
    }

    /**
     * Sends messages, each of a virtio-net header and a frame; see {@link MessageArray}.
     *
     * @return how many were taken, or -errno if not even the first
     */
    public int send(long messages, int count) {
        return (int)
                Syscall.call(
                        Syscall.SENDMMSG,
                        fd.number(),
                        messages,
                        count,
                        Constants.MSG_DONTWAIT | Constants.MSG_NOSIGNAL);
    }

    /** Returns how many frames the kernel had no slot for, so far. Any thread. */
    public synchronized long dropped() {
        ForeignMemory.putInt(statisticsLength, Layouts.TpacketStats.SIZE);
        long result =
                Syscall.call(
                        Syscall.GETSOCKOPT,
                        fd.number(),
                        Constants.SOL_PACKET,
                        Constants.PACKET_STATISTICS,
                        statistics,
                        statisticsLength);
        if (result == 0) {
            // The kernel starts anew from 0 whenever it is asked.
            dropped +=
                    Integer.toUnsignedLong(
                            ForeignMemory.getInt(statistics + Layouts.TpacketStats.TP_DROPS));
        }
        Reference.reachabilityFence(arena);
        return dropped;
    }

    @Override
    public void close() {
        fd.close();
        ring.unmap();
    }

    private int next(int position) {
        return position + 1 == slots ? 0 : position + 1;
    }

    private long address(int position) {
        int wrapped = position >= slots ? position - slots : position;
        return ring.address() + (long) wrapped * slotSize;
    }

    private static int status(long slot) {
        // Acquire: the frame is read after the word that says it is there.
        return ForeignMemory.getIntAcquire(slot + Layouts.Tpacket2Hdr.TP_STATUS);
    }

    private static Mapping map(Fd fd, int slotSize, int slots) throws ErrnoException {
        try (NativeBuffer request = NativeBuffer.scratch(Layouts.TpacketReq.SIZE)) {
            long at = request.address();
            int perBlock = BLOCK / slotSize;
            ForeignMemory.putInt(at + Layouts.TpacketReq.TP_BLOCK_SIZE, BLOCK);
            ForeignMemory.putInt(at + Layouts.TpacketReq.TP_BLOCK_NR, slots / perBlock);
            ForeignMemory.putInt(at + Layouts.TpacketReq.TP_FRAME_SIZE, slotSize);
            ForeignMemory.putInt(at + Layouts.TpacketReq.TP_FRAME_NR, slots);
            set(fd, Constants.PACKET_RX_RING, at, Layouts.TpacketReq.SIZE, "PACKET_RX_RING");
        }
        return Mapping.map(
                fd, 0, (long) slotSize * slots, Mapping.PROT_READ | Mapping.PROT_WRITE, true);
    }

    /** Room for long frames that wait, and for what the interface has not sent yet. */
    private static void buffers(Fd fd) throws ErrnoException {
        int[][] options = {
            {Constants.SO_RCVBUFFORCE, Constants.SO_RCVBUF},
            {Constants.SO_SNDBUFFORCE, Constants.SO_SNDBUF}
        };
        for (int[] option : options) {
            if (setInt(fd, Constants.SOL_SOCKET, option[0], SOCKET_BUFFER) < 0) {
                // Without CAP_NET_ADMIN as much as the system allows.
                Syscall.check(
                        setInt(fd, Constants.SOL_SOCKET, option[1], SOCKET_BUFFER),
                        "setsockopt",
                        "buffer of a packet socket");
            }
        }
    }

    private static void promiscuous(Fd fd, int index) throws ErrnoException {
        try (NativeBuffer request = NativeBuffer.scratch(Layouts.PacketMreq.SIZE)) {
            ForeignMemory.putInt(request.address() + Layouts.PacketMreq.MR_IFINDEX, index);
            ForeignMemory.putShort(
                    request.address() + Layouts.PacketMreq.MR_TYPE,
                    (short) Constants.PACKET_MR_PROMISC);
            set(
                    fd,
                    Constants.PACKET_ADD_MEMBERSHIP,
                    request.address(),
                    Layouts.PacketMreq.SIZE,
                    "PACKET_MR_PROMISC");
        }
    }

    private static void bind(Fd fd, int index) throws ErrnoException {
        try (NativeBuffer address = NativeBuffer.scratch(Layouts.SockaddrLl.SIZE)) {
            long at = address.address();
            ForeignMemory.putShort(at + Layouts.SockaddrLl.SLL_FAMILY, (short) Constants.AF_PACKET);
            ForeignMemory.putShort(
                    at + Layouts.SockaddrLl.SLL_PROTOCOL,
                    Short.reverseBytes((short) Constants.ETH_P_ALL));
            ForeignMemory.putInt(at + Layouts.SockaddrLl.SLL_IFINDEX, index);
            Syscall.check(
                    Syscall.call(Syscall.BIND, fd.number(), at, Layouts.SockaddrLl.SIZE),
                    "bind",
                    "AF_PACKET, interface " + index);
        }
    }

    private static void set(Fd fd, int option, int value, String name) throws ErrnoException {
        Syscall.check(setInt(fd, Constants.SOL_PACKET, option, value), "setsockopt", name);
    }

    private static long setInt(Fd fd, int level, int option, int value) {
        try (NativeBuffer argument = NativeBuffer.scratch(Integer.BYTES)) {
            ForeignMemory.putInt(argument.address(), value);
            return Syscall.call(
                    Syscall.SETSOCKOPT,
                    fd.number(),
                    level,
                    option,
                    argument.address(),
                    Integer.BYTES);
        }
    }

    private static void set(Fd fd, int option, long argument, int length, String name)
            throws ErrnoException {
        Syscall.check(
                Syscall.call(
                        Syscall.SETSOCKOPT,
                        fd.number(),
                        Constants.SOL_PACKET,
                        option,
                        argument,
                        length),
                "setsockopt",
                name);
    }
}
