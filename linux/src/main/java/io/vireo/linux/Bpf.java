package io.vireo.linux;

import java.nio.charset.StandardCharsets;

/**
 * What AF_XDP needs of bpf(2): a map from receive queues to sockets, a program that redirects by
 * it, and a link that attaches the program to an interface. All of them go with their descriptors:
 * nothing is left behind by a process that dies. Needs CAP_BPF and CAP_NET_ADMIN.
 */
public final class Bpf {
    // linux/if_link.h
    /** Attach before the network stack makes a buffer of the frame: where the driver can. */
    public static final int XDP_FLAGS_DRV_MODE = 1 << 2;

    /** Attach behind the driver: works everywhere, slower. */
    public static final int XDP_FLAGS_SKB_MODE = 1 << 1;

    private static final int ATTRIBUTES = 128;
    private static final int LOG = 4096;

    private Bpf() {}

    /** Makes a map from numbers of receive queues, below {@code queues}, to AF_XDP sockets. */
    public static Fd xskMap(int queues) throws ErrnoException {
        try (NativeBuffer attributes = NativeBuffer.scratch(ATTRIBUTES)) {
            long at = attributes.address();
            ForeignMemory.putInt(at + Layouts.BpfAttr.MAP_TYPE, Constants.BPF_MAP_TYPE_XSKMAP);
            ForeignMemory.putInt(at + Layouts.BpfAttr.KEY_SIZE, Integer.BYTES);
            ForeignMemory.putInt(at + Layouts.BpfAttr.VALUE_SIZE, Integer.BYTES);
            ForeignMemory.putInt(at + Layouts.BpfAttr.MAX_ENTRIES, queues);
            return Fd.of((int) call(Constants.BPF_MAP_CREATE, at, "BPF_MAP_CREATE"));
        }
    }

    /** Enters the socket of a receive queue. */
    public static void put(Fd map, int queue, Fd socket) throws ErrnoException {
        try (NativeBuffer attributes = NativeBuffer.scratch(ATTRIBUTES);
                NativeBuffer pair = NativeBuffer.scratch(2 * Integer.BYTES)) {
            long at = attributes.address();
            ForeignMemory.putInt(pair.address(), queue);
            ForeignMemory.putInt(pair.address() + Integer.BYTES, socket.number());
            ForeignMemory.putInt(at + Layouts.BpfAttr.MAP_FD, map.number());
            ForeignMemory.putLong(at + Layouts.BpfAttr.KEY, pair.address());
            ForeignMemory.putLong(at + Layouts.BpfAttr.VALUE, pair.address() + Integer.BYTES);
            call(Constants.BPF_MAP_UPDATE_ELEM, at, "BPF_MAP_UPDATE_ELEM");
        }
    }

    /**
     * Loads a program that hands each frame to the socket of its receive queue, and leaves those of
     * queues without a socket to the host.
     */
    public static Fd redirectProgram(Fd map) throws ErrnoException {
        return load(
                new BpfAssembler()
                        .load32(BpfAssembler.R2, BpfAssembler.R1, Layouts.XdpMd.RX_QUEUE_INDEX)
                        .loadMap(BpfAssembler.R1, map)
                        .move(BpfAssembler.R3, Constants.XDP_PASS)
                        .call(Constants.BPF_FUNC_REDIRECT_MAP)
                        .exit());
    }

    /**
     * Attaches a program to an interface of the calling thread's namespace.
     *
     * @param mode one of the XDP_FLAGS constants
     * @return the link: closing it detaches the program
     * @throws ErrnoException EBUSY where another program is attached, EOPNOTSUPP where the driver
     *     does not know the mode
     */
    public static Fd attach(Fd program, int index, int mode) throws ErrnoException {
        try (NativeBuffer attributes = NativeBuffer.scratch(ATTRIBUTES)) {
            long at = attributes.address();
            ForeignMemory.putInt(at + Layouts.BpfLinkCreate.PROG_FD, program.number());
            ForeignMemory.putInt(at + Layouts.BpfLinkCreate.TARGET_IFINDEX, index);
            ForeignMemory.putInt(at + Layouts.BpfLinkCreate.ATTACH_TYPE, Constants.BPF_XDP);
            ForeignMemory.putInt(at + Layouts.BpfLinkCreate.FLAGS, mode);
            return Fd.of((int) call(Constants.BPF_LINK_CREATE, at, "BPF_LINK_CREATE, " + index));
        }
    }

    private static Fd load(BpfAssembler program) throws ErrnoException {
        try (NativeBuffer attributes = NativeBuffer.scratch(ATTRIBUTES);
                NativeBuffer code = NativeBuffer.scratch((long) program.count() * Long.BYTES);
                NativeBuffer license = NativeBuffer.string("Apache-2.0");
                NativeBuffer log = NativeBuffer.scratch(LOG)) {
            program.writeTo(code.address());
            long at = attributes.address();
            ForeignMemory.putInt(at + Layouts.BpfAttr.PROG_TYPE, Constants.BPF_PROG_TYPE_XDP);
            ForeignMemory.putInt(at + Layouts.BpfAttr.INSN_CNT, program.count());
            ForeignMemory.putLong(at + Layouts.BpfAttr.INSNS, code.address());
            ForeignMemory.putLong(at + Layouts.BpfAttr.LICENSE, license.address());
            ForeignMemory.putInt(at + Layouts.BpfAttr.LOG_LEVEL, 1);
            ForeignMemory.putInt(at + Layouts.BpfAttr.LOG_SIZE, LOG);
            ForeignMemory.putLong(at + Layouts.BpfAttr.LOG_BUF, log.address());
            long result = Syscall.call(Syscall.BPF, Constants.BPF_PROG_LOAD, at, ATTRIBUTES);
            String verifier = log.segment().getString(0, StandardCharsets.UTF_8).strip();
            return Fd.of((int) Syscall.check(result, "bpf", "BPF_PROG_LOAD: " + verifier));
        }
    }

    private static long call(int command, long attributes, String context) throws ErrnoException {
        return Syscall.check(
                Syscall.call(Syscall.BPF, command, attributes, ATTRIBUTES), "bpf", context);
    }
}
