package io.vireo.linux;

/**
 * Sizes and member offsets, in bytes, of the kernel's structures. A class is a structure, named by
 * C_NAME and declared in the header that its comment names; a constant is the offset of the member
 * of that name. A test compares all with the C compiler's.
 */
final class Layouts {
    private Layouts() {}

    /** linux/uio.h. */
    static final class Iovec {
        static final String C_NAME = "struct iovec";
        static final int SIZE = 16;
        static final int IOV_BASE = 0;
        static final int IOV_LEN = 8;

        private Iovec() {}
    }

    /** linux/eventpoll.h; packed on x86_64 only. */
    static final class EpollEvent {
        static final String C_NAME = "struct epoll_event";
        static final int SIZE = Syscall.AARCH64 ? 16 : 12;
        static final int EVENTS = 0;
        static final int DATA = Syscall.AARCH64 ? 8 : 4;

        private EpollEvent() {}
    }

    /** linux/time_types.h. */
    static final class Timespec {
        static final String C_NAME = "struct __kernel_timespec";
        static final int SIZE = 16;
        static final int TV_SEC = 0;
        static final int TV_NSEC = 8;

        private Timespec() {}
    }

    /** linux/openat2.h. */
    static final class OpenHow {
        static final String C_NAME = "struct open_how";
        static final int SIZE = 24;
        static final int FLAGS = 0;
        static final int MODE = 8;
        static final int RESOLVE = 16;

        private OpenHow() {}
    }

    /** linux/stat.h. */
    static final class Statx {
        static final String C_NAME = "struct statx";
        static final int SIZE = 256;
        static final int STX_MASK = 0;
        static final int STX_BLKSIZE = 4;
        static final int STX_NLINK = 16;
        static final int STX_UID = 20;
        static final int STX_GID = 24;
        static final int STX_MODE = 28;
        static final int STX_INO = 32;
        static final int STX_SIZE = 40;
        static final int STX_BLOCKS = 48;
        static final int STX_RDEV_MAJOR = 128;
        static final int STX_RDEV_MINOR = 132;
        static final int STX_DEV_MAJOR = 136;
        static final int STX_DEV_MINOR = 140;
        static final int STX_MNT_ID = 144;
        static final int STX_DIO_MEM_ALIGN = 152;
        static final int STX_DIO_OFFSET_ALIGN = 156;

        private Statx() {}
    }

    /** asm-generic/statfs.h, the 64-bit one. */
    static final class Statfs {
        static final String C_NAME = "struct statfs";
        static final int SIZE = 120;
        static final int F_TYPE = 0;
        static final int F_BSIZE = 8;
        static final int F_BLOCKS = 16;
        static final int F_BFREE = 24;
        static final int F_BAVAIL = 32;
        static final int F_FILES = 40;
        static final int F_FFREE = 48;

        private Statfs() {}
    }

    /** asm-generic/fcntl.h. */
    static final class Flock {
        static final String C_NAME = "struct flock";
        static final int SIZE = 32;
        static final int L_TYPE = 0;
        static final int L_WHENCE = 2;
        static final int L_START = 8;
        static final int L_LEN = 16;
        static final int L_PID = 24;

        private Flock() {}
    }

    /** linux/fiemap.h. */
    static final class Fiemap {
        static final String C_NAME = "struct fiemap";
        static final int SIZE = 32;
        static final int FM_START = 0;
        static final int FM_LENGTH = 8;
        static final int FM_FLAGS = 16;
        static final int FM_MAPPED_EXTENTS = 20;
        static final int FM_EXTENT_COUNT = 24;

        private Fiemap() {}
    }

    /** linux/fiemap.h. */
    static final class FiemapExtent {
        static final String C_NAME = "struct fiemap_extent";
        static final int SIZE = 56;
        static final int FE_LOGICAL = 0;
        static final int FE_LENGTH = 16;

        private FiemapExtent() {}
    }

    /** linux/un.h. */
    static final class SockaddrUn {
        static final String C_NAME = "struct sockaddr_un";
        static final int SIZE = 110;
        static final int SUN_FAMILY = 0;
        static final int SUN_PATH = 2;

        private SockaddrUn() {}
    }

    /** netinet/in.h; port and address are in network byte order. */
    static final class SockaddrIn {
        static final String C_NAME = "struct sockaddr_in";
        static final int SIZE = 16;
        static final int SIN_FAMILY = 0;
        static final int SIN_PORT = 2;
        static final int SIN_ADDR = 4;

        private SockaddrIn() {}
    }

    /** netinet/in.h; port and address are in network byte order. */
    static final class SockaddrIn6 {
        static final String C_NAME = "struct sockaddr_in6";
        static final int SIZE = 28;
        static final int SIN6_FAMILY = 0;
        static final int SIN6_PORT = 2;
        static final int SIN6_FLOWINFO = 4;
        static final int SIN6_ADDR = 8;
        static final int SIN6_SCOPE_ID = 24;

        private SockaddrIn6() {}
    }

    /** linux/socket.h, struct user_msghdr. */
    static final class Msghdr {
        static final String C_NAME = "struct msghdr";
        static final int SIZE = 56;
        static final int MSG_NAME = 0;
        static final int MSG_NAMELEN = 8;
        static final int MSG_IOV = 16;
        static final int MSG_IOVLEN = 24;
        static final int MSG_CONTROL = 32;
        static final int MSG_CONTROLLEN = 40;
        static final int MSG_FLAGS = 48;

        private Msghdr() {}
    }

    /** linux/socket.h; the data follows at SIZE, and the next header at the next multiple of 8. */
    static final class Cmsghdr {
        static final String C_NAME = "struct cmsghdr";
        static final int SIZE = 16;
        static final int CMSG_LEN = 0;
        static final int CMSG_LEVEL = 8;
        static final int CMSG_TYPE = 12;

        private Cmsghdr() {}
    }

    /** linux/socket.h. */
    static final class Ucred {
        static final String C_NAME = "struct ucred";
        static final int SIZE = 12;
        static final int PID = 0;
        static final int UID = 4;
        static final int GID = 8;

        private Ucred() {}
    }

    /** linux/if.h. */
    static final class Ifreq {
        static final String C_NAME = "struct ifreq";
        static final int SIZE = 40;
        static final int IFR_NAME = 0;
        static final int IFR_FLAGS = 16;
        static final int IFR_IFINDEX = 16;
        static final int IFR_MTU = 16;
        static final int IFR_HWADDR = 16;
        static final int IFR_DATA = 16;

        private Ifreq() {}
    }

    /** linux/socket.h. */
    static final class Sockaddr {
        static final String C_NAME = "struct sockaddr";
        static final int SIZE = 16;
        static final int SA_FAMILY = 0;
        static final int SA_DATA = 2;

        private Sockaddr() {}
    }

    /** linux/resource.h, struct rlimit64. */
    static final class Rlimit64 {
        static final String C_NAME = "struct rlimit64";
        static final int SIZE = 16;
        static final int RLIM_CUR = 0;
        static final int RLIM_MAX = 8;

        private Rlimit64() {}
    }

    /** linux/io_uring.h. */
    static final class IoUringParams {
        static final String C_NAME = "struct io_uring_params";
        static final int SIZE = 120;
        static final int SQ_ENTRIES = 0;
        static final int CQ_ENTRIES = 4;
        static final int FLAGS = 8;
        static final int FEATURES = 20;
        static final int SQ_OFF = 40;
        static final int CQ_OFF = 80;

        private IoUringParams() {}
    }

    /** linux/io_uring.h. */
    static final class IoSqringOffsets {
        static final String C_NAME = "struct io_sqring_offsets";
        static final int SIZE = 40;
        static final int HEAD = 0;
        static final int TAIL = 4;
        static final int RING_MASK = 8;
        static final int RING_ENTRIES = 12;
        static final int FLAGS = 16;
        static final int DROPPED = 20;
        static final int ARRAY = 24;

        private IoSqringOffsets() {}
    }

    /** linux/io_uring.h. */
    static final class IoCqringOffsets {
        static final String C_NAME = "struct io_cqring_offsets";
        static final int SIZE = 40;
        static final int HEAD = 0;
        static final int TAIL = 4;
        static final int RING_MASK = 8;
        static final int RING_ENTRIES = 12;
        static final int OVERFLOW = 16;
        static final int CQES = 20;
        static final int FLAGS = 24;

        private IoCqringOffsets() {}
    }

    /** linux/io_uring.h. */
    static final class IoUringSqe {
        static final String C_NAME = "struct io_uring_sqe";
        static final int SIZE = 64;
        static final int OPCODE = 0;
        static final int FLAGS = 1;
        static final int IOPRIO = 2;
        static final int FD = 4;
        static final int OFF = 8;
        static final int ADDR = 16;
        static final int LEN = 24;
        static final int RW_FLAGS = 28;
        static final int FSYNC_FLAGS = 28;
        static final int POLL32_EVENTS = 28;
        static final int CANCEL_FLAGS = 28;
        static final int USER_DATA = 32;
        static final int BUF_INDEX = 40;
        static final int ADDR3 = 48;

        private IoUringSqe() {}
    }

    /** linux/io_uring.h. */
    static final class IoUringCqe {
        static final String C_NAME = "struct io_uring_cqe";
        static final int SIZE = 16;
        static final int USER_DATA = 0;
        static final int RES = 8;
        static final int FLAGS = 12;

        private IoUringCqe() {}
    }

    /** linux/socket.h; the message, and how much of it was sent. */
    static final class Mmsghdr {
        static final String C_NAME = "struct mmsghdr";
        static final int SIZE = 64;
        static final int MSG_HDR = 0;
        static final int MSG_LEN = 56;

        private Mmsghdr() {}
    }

    /** linux/netlink.h. */
    static final class SockaddrNl {
        static final String C_NAME = "struct sockaddr_nl";
        static final int SIZE = 12;
        static final int NL_FAMILY = 0;
        static final int NL_PID = 4;
        static final int NL_GROUPS = 8;

        private SockaddrNl() {}
    }

    /** linux/netlink.h. */
    static final class Nlmsghdr {
        static final String C_NAME = "struct nlmsghdr";
        static final int SIZE = 16;
        static final int NLMSG_LEN = 0;
        static final int NLMSG_TYPE = 4;
        static final int NLMSG_FLAGS = 6;
        static final int NLMSG_SEQ = 8;
        static final int NLMSG_PID = 12;

        private Nlmsghdr() {}
    }

    /** linux/rtnetlink.h. */
    static final class Ifinfomsg {
        static final String C_NAME = "struct ifinfomsg";
        static final int SIZE = 16;
        static final int IFI_FAMILY = 0;
        static final int IFI_TYPE = 2;
        static final int IFI_INDEX = 4;
        static final int IFI_FLAGS = 8;
        static final int IFI_CHANGE = 12;

        private Ifinfomsg() {}
    }

    /** linux/ethtool.h. */
    static final class EthtoolValue {
        static final String C_NAME = "struct ethtool_value";
        static final int SIZE = 8;
        static final int CMD = 0;
        static final int DATA = 4;

        private EthtoolValue() {}
    }

    /** linux/ethtool.h. */
    static final class EthtoolDrvinfo {
        static final String C_NAME = "struct ethtool_drvinfo";
        static final int SIZE = 196;
        static final int CMD = 0;
        static final int DRIVER = 4;

        private EthtoolDrvinfo() {}
    }

    /** linux/ethtool.h. */
    static final class EthtoolChannels {
        static final String C_NAME = "struct ethtool_channels";
        static final int SIZE = 36;
        static final int CMD = 0;
        static final int RX_COUNT = 20;
        static final int COMBINED_COUNT = 32;

        private EthtoolChannels() {}
    }

    /** linux/if_packet.h. */
    static final class SockaddrLl {
        static final String C_NAME = "struct sockaddr_ll";
        static final int SIZE = 20;
        static final int SLL_FAMILY = 0;
        static final int SLL_PROTOCOL = 2;
        static final int SLL_IFINDEX = 4;

        private SockaddrLl() {}
    }

    /** linux/if_packet.h. */
    static final class PacketMreq {
        static final String C_NAME = "struct packet_mreq";
        static final int SIZE = 16;
        static final int MR_IFINDEX = 0;
        static final int MR_TYPE = 4;

        private PacketMreq() {}
    }

    /** linux/if_packet.h. */
    static final class TpacketReq {
        static final String C_NAME = "struct tpacket_req";
        static final int SIZE = 16;
        static final int TP_BLOCK_SIZE = 0;
        static final int TP_BLOCK_NR = 4;
        static final int TP_FRAME_SIZE = 8;
        static final int TP_FRAME_NR = 12;

        private TpacketReq() {}
    }

    /** linux/if_packet.h. */
    static final class Tpacket2Hdr {
        static final String C_NAME = "struct tpacket2_hdr";
        static final int SIZE = 32;
        static final int TP_STATUS = 0;
        static final int TP_LEN = 4;
        static final int TP_SNAPLEN = 8;
        static final int TP_MAC = 12;
        static final int TP_NET = 14;
        static final int TP_VLAN_TCI = 24;
        static final int TP_VLAN_TPID = 26;

        private Tpacket2Hdr() {}
    }

    /** linux/if_packet.h. */
    static final class TpacketStats {
        static final String C_NAME = "struct tpacket_stats";
        static final int SIZE = 8;
        static final int TP_PACKETS = 0;
        static final int TP_DROPS = 4;

        private TpacketStats() {}
    }

    /** linux/if_xdp.h. */
    static final class SockaddrXdp {
        static final String C_NAME = "struct sockaddr_xdp";
        static final int SIZE = 16;
        static final int SXDP_FAMILY = 0;
        static final int SXDP_FLAGS = 2;
        static final int SXDP_IFINDEX = 4;
        static final int SXDP_QUEUE_ID = 8;
        static final int SXDP_SHARED_UMEM_FD = 12;

        private SockaddrXdp() {}
    }

    /** linux/if_xdp.h. */
    static final class XdpRingOffset {
        static final String C_NAME = "struct xdp_ring_offset";
        static final int SIZE = 32;
        static final int PRODUCER = 0;
        static final int CONSUMER = 8;
        static final int DESC = 16;
        static final int FLAGS = 24;

        private XdpRingOffset() {}
    }

    /** linux/if_xdp.h. */
    static final class XdpMmapOffsets {
        static final String C_NAME = "struct xdp_mmap_offsets";
        static final int SIZE = 128;
        static final int RX = 0;
        static final int TX = 32;
        static final int FR = 64;
        static final int CR = 96;

        private XdpMmapOffsets() {}
    }

    /** linux/if_xdp.h; newer kernels have a member more where older ones have padding. */
    static final class XdpUmemReg {
        static final String C_NAME = "struct xdp_umem_reg";
        static final int SIZE = 32;
        static final int ADDR = 0;
        static final int LEN = 8;
        static final int CHUNK_SIZE = 16;
        static final int HEADROOM = 20;
        static final int FLAGS = 24;

        private XdpUmemReg() {}
    }

    /** linux/if_xdp.h. */
    static final class XdpDesc {
        static final String C_NAME = "struct xdp_desc";
        static final int SIZE = 16;
        static final int ADDR = 0;
        static final int LEN = 8;
        static final int OPTIONS = 12;

        private XdpDesc() {}
    }

    /** linux/if_xdp.h. */
    static final class XdpStatistics {
        static final String C_NAME = "struct xdp_statistics";
        static final int SIZE = 48;
        static final int RX_DROPPED = 0;
        static final int RX_INVALID_DESCS = 8;
        static final int TX_INVALID_DESCS = 16;
        static final int RX_RING_FULL = 24;
        static final int RX_FILL_RING_EMPTY_DESCS = 32;

        private XdpStatistics() {}
    }

    /** linux/bpf.h, what a program of XDP is given. */
    static final class XdpMd {
        static final String C_NAME = "struct xdp_md";
        static final int RX_QUEUE_INDEX = 16;

        private XdpMd() {}
    }

    /** linux/bpf.h; its size grows with the kernel, which takes longer ones whose rest is zero. */
    static final class BpfAttr {
        static final String C_NAME = "union bpf_attr";
        static final int MAP_TYPE = 0;
        static final int KEY_SIZE = 4;
        static final int VALUE_SIZE = 8;
        static final int MAX_ENTRIES = 12;
        static final int MAP_FD = 0;
        static final int KEY = 8;
        static final int VALUE = 16;
        static final int PROG_TYPE = 0;
        static final int INSN_CNT = 4;
        static final int INSNS = 8;
        static final int LICENSE = 16;
        static final int LOG_LEVEL = 24;
        static final int LOG_SIZE = 28;
        static final int LOG_BUF = 32;

        private BpfAttr() {}
    }

    /** linux/bpf.h, the part of {@code union bpf_attr} for BPF_LINK_CREATE. */
    static final class BpfLinkCreate {
        static final String C_NAME = "typeof(((union bpf_attr *)0)->link_create)";
        static final int PROG_FD = 0;
        static final int TARGET_IFINDEX = 4;
        static final int ATTACH_TYPE = 8;
        static final int FLAGS = 12;

        private BpfLinkCreate() {}
    }
}
