package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.ref.Reference;

/**
 * An AF_XDP socket of one receive queue of an interface, Documentation/networking/af_xdp.rst.
 * Frames lie in chunks of memory that is shared with the kernel; four rings say whose turn each
 * chunk is. Where the driver can, it receives into and sends out of that memory (zero copy), else
 * the kernel copies. Frames arrive once a program redirects them, see {@link Bpf}.
 *
 * <p>Chunks are divided: some always circulate on the receiving side, the others on the sending
 * side. One thread at a time; nothing allocates.
 */
public final class XdpSocket implements AutoCloseable {
    /** Longest frame that fits into a chunk, behind the room that the kernel keeps. */
    public static final int FRAME_MAX = 4096 - 256;

    private static final int CHUNK = 4096;
    private static final int RECEIVE_CHUNKS = 2048;
    private static final int SEND_CHUNKS = 1024;

    /** Calls of one flush, each for at most 32 frames in copy mode. */
    private static final int KICKS = SEND_CHUNKS / 32;

    private static final int TYPE =
            Constants.SOCK_RAW | Constants.SOCK_CLOEXEC | Constants.SOCK_NONBLOCK;

    private final Fd fd;
    private final Mapping memory;
    private final XdpRing fill;
    private final XdpRing completion;
    private final XdpRing receive;
    private final XdpRing send;
    private final boolean zeroCopy;
    private final Arena arena = Arena.ofAuto();
    private final long statistics = arena.allocate(Layouts.XdpStatistics.SIZE, 8).address();
    private final long statisticsLength = arena.allocate(Integer.BYTES, 8).address();

    // Chunks of received frames that were not given back.
    private final long[] taken = new long[RECEIVE_CHUNKS];
    private int takenCount;

    // Chunks to send from that are free.
    private final long[] free = new long[SEND_CHUNKS];
    private int freeCount;

    private long frame;
    private int length;

    private XdpSocket(Fd fd, Mapping memory, XdpRing[] rings, boolean zeroCopy) {
        this.fd = fd;
        this.memory = memory;
        fill = rings[0];
        completion = rings[1];
        receive = rings[2];
        send = rings[3];
        this.zeroCopy = zeroCopy;
        for (int i = 0; i < RECEIVE_CHUNKS; i++) {
            ForeignMemory.putLong(fill.take(), (long) i * CHUNK);
        }
        fill.publishProduced();
        for (int i = 0; i < SEND_CHUNKS; i++) {
            free[freeCount++] = (long) (RECEIVE_CHUNKS + i) * CHUNK;
        }
    }

    /**
     * Opens one on a receive queue of an interface of the calling thread's namespace.
     *
     * @throws ErrnoException EBUSY where the queue has a socket already, EINVAL where there is no
     *     such queue
     */
    public static XdpSocket open(int index, int queue) throws ErrnoException {
        long socket = Syscall.call(Syscall.SOCKET, Constants.AF_XDP, TYPE, 0);
        Fd fd = Fd.of((int) Syscall.check(socket, "socket", "AF_XDP"));
        Mapping memory = null;
        try {
            memory = Mapping.anonymous((long) (RECEIVE_CHUNKS + SEND_CHUNKS) * CHUNK);
            register(fd, memory);
            set(fd, Constants.XDP_UMEM_FILL_RING, RECEIVE_CHUNKS);
            set(fd, Constants.XDP_UMEM_COMPLETION_RING, SEND_CHUNKS);
            set(fd, Constants.XDP_RX_RING, RECEIVE_CHUNKS);
            set(fd, Constants.XDP_TX_RING, SEND_CHUNKS);
            XdpRing[] rings = map(fd);
            bind(fd, index, queue);
            return new XdpSocket(fd, memory, rings, zeroCopy(fd));
        } catch (ErrnoException e) {
            fd.close();
            if (memory != null) {
                memory.unmap();
            }
            throw e;
        }
    }

    /** Returns the descriptor, which polls readable when there is a frame. */
    public Fd fd() {
        return fd;
    }

    /** Returns whether the driver uses the shared memory itself. */
    public boolean isZeroCopy() {
        return zeroCopy;
    }

    /** Returns whether a frame has arrived that was not taken. */
    public boolean hasNext() {
        return takenCount < RECEIVE_CHUNKS && receive.hasEntry();
    }

    /** Takes the next frame: {@link #frame} and {@link #length} tell of it until the next call. */
    public boolean next() {
        if (!hasNext()) {
            return false;
        }
        long entry = receive.take();
        long address = ForeignMemory.getLong(entry + Layouts.XdpDesc.ADDR);
        length = ForeignMemory.getInt(entry + Layouts.XdpDesc.LEN);
        frame = memory.address() + address;
        taken[takenCount++] = address;
        return true;
    }

    /** Returns the address of the frame. */
    public long frame() {
        return frame;
    }

    /** Returns the bytes of the frame. */
    public int length() {
        return length;
    }

    /** Gives the memory of all frames that were taken back to the kernel. */
    public void giveBack() {
        if (takenCount == 0) {
            return;
        }
        receive.publishConsumed();
        for (int i = 0; i < takenCount; i++) {
            // There is always room: the ring holds all chunks that circulate.
            ForeignMemory.putLong(fill.take(), taken[i] & -CHUNK);
        }
        takenCount = 0;
        fill.publishProduced();
        if (fill.needsWakeup()) {
            Syscall.call(Syscall.RECVFROM, fd.number(), 0, 0, Constants.MSG_DONTWAIT, 0, 0);
        }
    }

    /**
     * Returns the address of memory for a frame of up to {@link #FRAME_MAX} bytes to send, or 0 if
     * none is free. {@link #send} must follow before the next call.
     */
    public long room() {
        if (freeCount == 0) {
            reclaim();
        }
        return freeCount == 0 || !send.hasRoom() ? 0 : memory.address() + free[freeCount - 1];
    }

    /** Sends the frame that was written where {@link #room} said, with the next flush. */
    public void send(int frameLength) {
        long entry = send.take();
        ForeignMemory.putLong(entry + Layouts.XdpDesc.ADDR, free[--freeCount]);
        ForeignMemory.putInt(entry + Layouts.XdpDesc.LEN, frameLength);
        ForeignMemory.putInt(entry + Layouts.XdpDesc.OPTIONS, 0);
    }

    /** Shows the kernel the frames to send, and calls it if it asks for that. */
    public void flush() {
        send.publishProduced();
        for (int i = 0; i < KICKS && send.isPending() && send.needsWakeup(); i++) {
            long result =
                    Syscall.call(Syscall.SENDTO, fd.number(), 0, 0, Constants.MSG_DONTWAIT, 0, 0);
            if (result < 0 && result != -Errno.EAGAIN) {
                break;
            }
        }
        reclaim();
    }

    /** Returns whether frames wait that the kernel must be called for again. */
    public boolean isPending() {
        return send.isPending() && send.needsWakeup();
    }

    /** Returns how many frames the kernel had no room for, so far. Any thread. */
    public synchronized long dropped() {
        ForeignMemory.putInt(statisticsLength, Layouts.XdpStatistics.SIZE);
        long result =
                Syscall.call(
                        Syscall.GETSOCKOPT,
                        fd.number(),
                        Constants.SOL_XDP,
                        Constants.XDP_STATISTICS,
                        statistics,
                        statisticsLength);
        long sum =
                result < 0
                        ? 0
                        : ForeignMemory.getLong(statistics + Layouts.XdpStatistics.RX_DROPPED)
                                + ForeignMemory.getLong(
                                        statistics + Layouts.XdpStatistics.RX_RING_FULL)
                                + ForeignMemory.getLong(
                                        statistics
                                                + Layouts.XdpStatistics.RX_FILL_RING_EMPTY_DESCS);
        Reference.reachabilityFence(arena);
        return sum;
    }

    @Override
    public void close() {
        fd.close();
        fill.unmap();
        completion.unmap();
        receive.unmap();
        send.unmap();
        memory.unmap();
    }

    private void reclaim() {
        boolean any = false;
        while (completion.hasEntry()) {
            free[freeCount++] = ForeignMemory.getLong(completion.take());
            any = true;
        }
        if (any) {
            completion.publishConsumed();
        }
    }

    private static void register(Fd fd, Mapping memory) throws ErrnoException {
        try (NativeBuffer request = NativeBuffer.scratch(Layouts.XdpUmemReg.SIZE)) {
            long at = request.address();
            ForeignMemory.putLong(at + Layouts.XdpUmemReg.ADDR, memory.address());
            ForeignMemory.putLong(at + Layouts.XdpUmemReg.LEN, memory.length());
            ForeignMemory.putInt(at + Layouts.XdpUmemReg.CHUNK_SIZE, CHUNK);
            option(Syscall.SETSOCKOPT, fd, Constants.XDP_UMEM_REG, at, Layouts.XdpUmemReg.SIZE);
        }
    }

    private static void set(Fd fd, int option, int value) throws ErrnoException {
        try (NativeBuffer argument = NativeBuffer.scratch(Integer.BYTES)) {
            ForeignMemory.putInt(argument.address(), value);
            option(Syscall.SETSOCKOPT, fd, option, argument.address(), Integer.BYTES);
        }
    }

    private static void option(int call, Fd fd, int option, long value, long length)
            throws ErrnoException {
        Syscall.check(
                Syscall.call(call, fd.number(), Constants.SOL_XDP, option, value, length),
                call == Syscall.SETSOCKOPT ? "setsockopt" : "getsockopt",
                "SOL_XDP, option " + option);
    }

    private static XdpRing[] map(Fd fd) throws ErrnoException {
        try (NativeBuffer offsets = NativeBuffer.scratch(Layouts.XdpMmapOffsets.SIZE);
                NativeBuffer length = NativeBuffer.scratch(Integer.BYTES)) {
            ForeignMemory.putInt(length.address(), Layouts.XdpMmapOffsets.SIZE);
            long at = offsets.address();
            option(Syscall.GETSOCKOPT, fd, Constants.XDP_MMAP_OFFSETS, at, length.address());
            return new XdpRing[] {
                new XdpRing(
                        fd,
                        Constants.XDP_UMEM_PGOFF_FILL_RING,
                        at + Layouts.XdpMmapOffsets.FR,
                        RECEIVE_CHUNKS,
                        Long.BYTES),
                new XdpRing(
                        fd,
                        Constants.XDP_UMEM_PGOFF_COMPLETION_RING,
                        at + Layouts.XdpMmapOffsets.CR,
                        SEND_CHUNKS,
                        Long.BYTES),
                new XdpRing(
                        fd,
                        Constants.XDP_PGOFF_RX_RING,
                        at + Layouts.XdpMmapOffsets.RX,
                        RECEIVE_CHUNKS,
                        Layouts.XdpDesc.SIZE),
                new XdpRing(
                        fd,
                        Constants.XDP_PGOFF_TX_RING,
                        at + Layouts.XdpMmapOffsets.TX,
                        SEND_CHUNKS,
                        Layouts.XdpDesc.SIZE)
            };
        }
    }

    private static void bind(Fd fd, int index, int queue) throws ErrnoException {
        try (NativeBuffer address = NativeBuffer.scratch(Layouts.SockaddrXdp.SIZE)) {
            long at = address.address();
            // Neither XDP_COPY nor XDP_ZEROCOPY: the kernel takes the better one that works.
            ForeignMemory.putShort(at + Layouts.SockaddrXdp.SXDP_FAMILY, (short) Constants.AF_XDP);
            ForeignMemory.putShort(
                    at + Layouts.SockaddrXdp.SXDP_FLAGS, (short) Constants.XDP_USE_NEED_WAKEUP);
            ForeignMemory.putInt(at + Layouts.SockaddrXdp.SXDP_IFINDEX, index);
            ForeignMemory.putInt(at + Layouts.SockaddrXdp.SXDP_QUEUE_ID, queue);
            Syscall.check(
                    Syscall.call(Syscall.BIND, fd.number(), at, Layouts.SockaddrXdp.SIZE),
                    "bind",
                    "AF_XDP, interface " + index + ", queue " + queue);
        }
    }

    private static boolean zeroCopy(Fd fd) throws ErrnoException {
        try (NativeBuffer options = NativeBuffer.scratch(Integer.BYTES);
                NativeBuffer length = NativeBuffer.scratch(Integer.BYTES)) {
            ForeignMemory.putInt(length.address(), Integer.BYTES);
            option(
                    Syscall.GETSOCKOPT,
                    fd,
                    Constants.XDP_OPTIONS,
                    options.address(),
                    length.address());
            return (ForeignMemory.getInt(options.address()) & Constants.XDP_OPTIONS_ZEROCOPY) != 0;
        }
    }
}
