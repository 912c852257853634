package io.vireo.linux;

/**
 * Constants of the kernel's UAPI that only this package uses, by header. Those that callers pass
 * stand in the class whose methods take them. A test compares all of them with the C compiler's.
 */
final class Constants {
    // linux/auxvec.h
    static final int AT_PAGESZ = 6;

    // linux/fcntl.h, asm-generic/fcntl.h
    static final int F_GETFL = 3;
    static final int F_SETFL = 4;
    static final int F_OFD_SETLK = 37;
    static final int F_DUPFD_CLOEXEC = 1030;
    static final int F_ADD_SEALS = 1033;
    static final int F_GET_SEALS = 1034;
    static final int F_RDLCK = 0;
    static final int F_WRLCK = 1;
    static final int F_UNLCK = 2;
    static final int AT_SYMLINK_NOFOLLOW = 0x100;
    static final int AT_EMPTY_PATH = 0x1000;
    static final int AT_STATX_DONT_SYNC = 0x4000;

    // linux/stat.h
    static final int STATX_BASIC_STATS = 0x7ff;
    static final int STATX_MNT_ID = 0x1000;
    static final int STATX_DIOALIGN = 0x2000;
    static final int S_IFMT = 0xf000;
    static final int S_IFSOCK = 0xc000;
    static final int S_IFLNK = 0xa000;
    static final int S_IFREG = 0x8000;
    static final int S_IFBLK = 0x6000;
    static final int S_IFDIR = 0x4000;
    static final int S_IFCHR = 0x2000;
    static final int S_IFIFO = 0x1000;

    // linux/fs.h
    static final int RWF_NOWAIT = 8;
    static final int BLKSSZGET = 0x1268;
    static final int BLKGETSIZE64 = 0x80081272;
    static final int FS_IOC_FIEMAP = 0xc020660b;

    // asm-generic/mman-common.h
    static final int MAP_SHARED = 1;
    static final int MAP_PRIVATE = 2;
    static final int MAP_ANONYMOUS = 0x20;
    static final int MAP_FIXED = 0x10;
    static final int MAP_NORESERVE = 0x4000;
    static final int MAP_POPULATE = 0x8000;

    // sys/eventfd.h, sys/epoll.h: O_CLOEXEC and O_NONBLOCK
    static final int EFD_SEMAPHORE = 0x1;
    static final int EFD_CLOEXEC = 0x80000;
    static final int EFD_NONBLOCK = 0x800;
    static final int EPOLL_CLOEXEC = 0x80000;
    static final int EPOLL_CTL_ADD = 1;
    static final int EPOLL_CTL_DEL = 2;
    static final int EPOLL_CTL_MOD = 3;

    // linux/socket.h, asm-generic/socket.h, linux/net.h
    static final int AF_UNIX = 1;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int AF_NETLINK = 16;
    static final int AF_PACKET = 17;
    static final int AF_XDP = 44;
    static final int SOCK_STREAM = 1;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_RAW = 3;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int SOCK_NONBLOCK = 0x800;
    static final int SOL_SOCKET = 1;
    static final int SO_REUSEADDR = 2;
    static final int SO_SNDBUF = 7;
    static final int SO_RCVBUF = 8;
    static final int SO_KEEPALIVE = 9;
    static final int SO_PEERCRED = 17;
    static final int SO_SNDBUFFORCE = 32;
    static final int SO_RCVBUFFORCE = 33;
    static final int SO_DOMAIN = 39;
    static final int SOL_PACKET = 263;
    static final int SOL_XDP = 283;
    static final int SCM_RIGHTS = 1;
    static final int MSG_CTRUNC = 8;
    static final int MSG_DONTWAIT = 0x40;
    static final int MSG_NOSIGNAL = 0x4000;
    static final int MSG_CMSG_CLOEXEC = 0x40000000;

    // netinet/in.h, netinet/tcp.h
    static final int IPPROTO_TCP = 6;
    static final int IPPROTO_IPV6 = 41;
    static final int IPV6_V6ONLY = 26;
    static final int TCP_NODELAY = 1;

    // linux/sockios.h
    static final int SIOCGIFFLAGS = 0x8913;
    static final int SIOCSIFFLAGS = 0x8914;
    static final int SIOCGIFMTU = 0x8921;
    static final int SIOCSIFMTU = 0x8922;
    static final int SIOCSIFHWADDR = 0x8924;
    static final int SIOCGIFHWADDR = 0x8927;
    static final int SIOCGIFINDEX = 0x8933;
    static final int SIOCETHTOOL = 0x8946;
    static final int SIOCBRADDBR = 0x89a0;
    static final int SIOCBRDELBR = 0x89a1;
    static final int SIOCBRADDIF = 0x89a2;
    static final int SIOCBRDELIF = 0x89a3;

    // linux/if.h, linux/if_arp.h
    static final int IFNAMSIZ = 16;
    static final int ARPHRD_ETHER = 1;

    // linux/if_tun.h
    static final int TUNSETIFF = 0x400454ca;
    static final int TUNSETPERSIST = 0x400454cb;
    static final int TUNSETOWNER = 0x400454cc;
    static final int TUNSETOFFLOAD = 0x400454d0;
    static final int TUNSETVNETHDRSZ = 0x400454d8;
    static final int TUNSETVNETLE = 0x400454dc;
    static final int TUNSETCARRIER = 0x400454e2;
    static final int IFF_TAP = 2;
    static final int IFF_MULTI_QUEUE = 0x100;
    static final int IFF_NO_PI = 0x1000;
    static final int IFF_VNET_HDR = 0x4000;

    // linux/if_ether.h, linux/ethtool.h
    static final int ETH_P_ALL = 3;
    static final int ETHTOOL_GFLAGS = 0x25;
    static final int ETHTOOL_SFLAGS = 0x26;
    static final int ETHTOOL_GDRVINFO = 0x3;
    static final int ETHTOOL_GCHANNELS = 0x3c;

    // linux/netlink.h, linux/rtnetlink.h
    static final int NETLINK_ROUTE = 0;
    static final int RTMGRP_LINK = 1;
    static final int NLM_F_REQUEST = 1;
    static final int NLMSG_ERROR = 2;
    static final int RTM_NEWLINK = 16;
    static final int RTM_DELLINK = 17;
    static final int RTM_GETLINK = 18;

    // linux/if_packet.h
    static final int TPACKET_V2 = 1;
    static final int PACKET_ADD_MEMBERSHIP = 1;
    static final int PACKET_RX_RING = 5;
    static final int PACKET_STATISTICS = 6;
    static final int PACKET_COPY_THRESH = 7;
    static final int PACKET_VERSION = 10;
    static final int PACKET_VNET_HDR = 15;
    static final int PACKET_IGNORE_OUTGOING = 23;
    static final int PACKET_MR_PROMISC = 1;
    static final int TP_STATUS_KERNEL = 0;
    static final int TP_STATUS_USER = 1;
    static final int TP_STATUS_COPY = 1 << 1;
    static final int TP_STATUS_VLAN_VALID = 1 << 4;
    static final int TP_STATUS_VLAN_TPID_VALID = 1 << 6;

    // linux/if_xdp.h
    static final int XDP_USE_NEED_WAKEUP = 1 << 3;
    static final int XDP_RING_NEED_WAKEUP = 1;
    static final int XDP_MMAP_OFFSETS = 1;
    static final int XDP_RX_RING = 2;
    static final int XDP_TX_RING = 3;
    static final int XDP_UMEM_REG = 4;
    static final int XDP_UMEM_FILL_RING = 5;
    static final int XDP_UMEM_COMPLETION_RING = 6;
    static final int XDP_STATISTICS = 7;
    static final int XDP_OPTIONS = 8;
    static final int XDP_OPTIONS_ZEROCOPY = 1;
    static final long XDP_PGOFF_RX_RING = 0;
    static final long XDP_PGOFF_TX_RING = 0x80000000L;
    static final long XDP_UMEM_PGOFF_FILL_RING = 0x100000000L;
    static final long XDP_UMEM_PGOFF_COMPLETION_RING = 0x180000000L;

    // linux/bpf.h
    static final int BPF_MAP_CREATE = 0;
    static final int BPF_MAP_UPDATE_ELEM = 2;
    static final int BPF_PROG_LOAD = 5;
    static final int BPF_LINK_CREATE = 28;
    static final int BPF_MAP_TYPE_XSKMAP = 17;
    static final int BPF_PROG_TYPE_XDP = 6;
    static final int BPF_XDP = 37;
    static final int BPF_PSEUDO_MAP_FD = 1;
    static final int BPF_FUNC_REDIRECT_MAP = 51;
    static final int XDP_PASS = 2;

    // linux/bpf_common.h, linux/bpf.h: parts of an instruction's code
    static final int BPF_LD = 0;
    static final int BPF_LDX = 1;
    static final int BPF_JMP = 5;
    static final int BPF_ALU64 = 7;
    static final int BPF_W = 0;
    static final int BPF_DW = 0x18;
    static final int BPF_IMM = 0;
    static final int BPF_MEM = 0x60;
    static final int BPF_MOV = 0xb0;
    static final int BPF_K = 0;
    static final int BPF_CALL = 0x80;
    static final int BPF_EXIT = 0x90;

    // linux/sched.h
    static final int CLONE_NEWNET = 0x40000000;

    // linux/io_uring.h
    static final int IORING_SETUP_CLAMP = 1 << 4;
    static final int IORING_SETUP_R_DISABLED = 1 << 6;
    static final int IORING_SETUP_SUBMIT_ALL = 1 << 7;
    static final int IORING_SETUP_COOP_TASKRUN = 1 << 8;
    static final int IORING_SETUP_TASKRUN_FLAG = 1 << 9;
    static final int IORING_SETUP_SINGLE_ISSUER = 1 << 12;
    static final int IORING_SETUP_DEFER_TASKRUN = 1 << 13;
    static final int IORING_FEAT_SINGLE_MMAP = 1;
    static final int IORING_OFF_SQ_RING = 0;
    static final int IORING_OFF_SQES = 0x10000000;
    static final int IORING_ENTER_GETEVENTS = 1;
    static final int IORING_SQ_CQ_OVERFLOW = 1 << 1;
    static final int IORING_SQ_TASKRUN = 1 << 2;
    static final int IORING_CQ_EVENTFD_DISABLED = 1;
    static final int IORING_FSYNC_DATASYNC = 1;
    static final int IORING_REGISTER_EVENTFD = 4;
    static final int IORING_REGISTER_ENABLE_RINGS = 12;
    static final int IORING_OP_NOP = 0;
    static final int IORING_OP_READV = 1;
    static final int IORING_OP_WRITEV = 2;
    static final int IORING_OP_FSYNC = 3;
    static final int IORING_OP_POLL_ADD = 6;
    static final int IORING_OP_ASYNC_CANCEL = 14;
    static final int IORING_OP_FALLOCATE = 17;
    static final int IORING_OP_READ = 22;
    static final int IORING_OP_WRITE = 23;

    private Constants() {}
}
