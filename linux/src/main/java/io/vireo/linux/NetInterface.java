package io.vireo.linux;

import java.nio.charset.StandardCharsets;

/**
 * A network interface of the calling thread's namespace, by name, netdevice(7). Changes need
 * CAP_NET_ADMIN.
 */
public final class NetInterface {
    // linux/if.h
    public static final int IFF_UP = 1;
    public static final int IFF_RUNNING = 0x40;

    // linux/ethtool.h
    /** Received VLAN tags are taken out of frames by the hardware. */
    public static final int ETH_FLAG_RXVLAN = 1 << 8;

    /** VLAN tags are put into frames to send by the hardware. */
    public static final int ETH_FLAG_TXVLAN = 1 << 7;

    private static final int MAC_LENGTH = 6;

    private final String name;

    private NetInterface(String name) {
        this.name = name;
    }

    /** Names an interface, which need not exist; at most 15 bytes. */
    public static NetInterface of(String name) {
        request(name).close();
        return new NetInterface(name);
    }

    /** Makes a bridge. EEXIST where the name is taken. */
    public static NetInterface createBridge(String name) throws ErrnoException {
        NetInterface bridge = of(name);
        bridge.onBridgeName(Constants.SIOCBRADDBR, "SIOCBRADDBR");
        return bridge;
    }

    /** Deletes a bridge, which must be down. */
    public void deleteBridge() throws ErrnoException {
        onBridgeName(Constants.SIOCBRDELBR, "SIOCBRDELBR");
    }

    /** Returns whether there is such an interface. */
    public boolean exists() throws ErrnoException {
        try {
            return index() > 0;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENODEV) {
                return false;
            }
            throw e;
        }
    }

    /** Returns the index. */
    public int index() throws ErrnoException {
        try (NativeBuffer request = call(Constants.SIOCGIFINDEX, "SIOCGIFINDEX")) {
            return ForeignMemory.getInt(request.address() + Layouts.Ifreq.IFR_IFINDEX);
        }
    }

    /** Returns the IFF flags. */
    public int flags() throws ErrnoException {
        try (NativeBuffer request = call(Constants.SIOCGIFFLAGS, "SIOCGIFFLAGS")) {
            return Short.toUnsignedInt(
                    ForeignMemory.getShort(request.address() + Layouts.Ifreq.IFR_FLAGS));
        }
    }

    /** Returns whether it is administratively up. */
    public boolean isUp() throws ErrnoException {
        return (flags() & IFF_UP) != 0;
    }

    /** Takes it up or down. */
    public void setUp(boolean up) throws ErrnoException {
        int flags = flags();
        try (NativeBuffer request = request(name)) {
            int wanted = up ? flags | IFF_UP : flags & ~IFF_UP;
            ForeignMemory.putShort(request.address() + Layouts.Ifreq.IFR_FLAGS, (short) wanted);
            call(Constants.SIOCSIFFLAGS, request, "SIOCSIFFLAGS");
        }
    }

    /** Returns the MTU in bytes, Ethernet header not counted. */
    public int mtu() throws ErrnoException {
        try (NativeBuffer request = call(Constants.SIOCGIFMTU, "SIOCGIFMTU")) {
            return ForeignMemory.getInt(request.address() + Layouts.Ifreq.IFR_MTU);
        }
    }

    /** Sets the MTU in bytes, Ethernet header not counted. */
    public void setMtu(int mtu) throws ErrnoException {
        try (NativeBuffer request = request(name)) {
            ForeignMemory.putInt(request.address() + Layouts.Ifreq.IFR_MTU, mtu);
            call(Constants.SIOCSIFMTU, request, "SIOCSIFMTU");
        }
    }

    /** Returns the MAC address, 6 bytes. */
    public byte[] mac() throws ErrnoException {
        try (NativeBuffer request = call(Constants.SIOCGIFHWADDR, "SIOCGIFHWADDR")) {
            byte[] mac = new byte[MAC_LENGTH];
            ForeignMemory.copyToArray(hardwareAddress(request), mac, 0, MAC_LENGTH);
            return mac;
        }
    }

    /** Sets the MAC address, 6 bytes. */
    public void setMac(byte[] mac) throws ErrnoException {
        try (NativeBuffer request = request(name)) {
            long address = request.address() + Layouts.Ifreq.IFR_HWADDR;
            ForeignMemory.putShort(
                    address + Layouts.Sockaddr.SA_FAMILY, (short) Constants.ARPHRD_ETHER);
            ForeignMemory.copyFromArray(mac, 0, hardwareAddress(request), MAC_LENGTH);
            call(Constants.SIOCSIFHWADDR, request, "SIOCSIFHWADDR");
        }
    }

    /** Returns the name of the driver; empty where it has none. */
    public String driver() throws ErrnoException {
        try (NativeBuffer info = NativeBuffer.scratch(Layouts.EthtoolDrvinfo.SIZE)) {
            return ethtool(info.address(), Constants.ETHTOOL_GDRVINFO, "ETHTOOL_GDRVINFO")
                    ? info.segment().getString(Layouts.EthtoolDrvinfo.DRIVER)
                    : "";
        }
    }

    /** Returns the number of receive queues in use; 1 where the driver does not say. */
    public int receiveQueues() throws ErrnoException {
        try (NativeBuffer channels = NativeBuffer.scratch(Layouts.EthtoolChannels.SIZE)) {
            long at = channels.address();
            if (!ethtool(at, Constants.ETHTOOL_GCHANNELS, "ETHTOOL_GCHANNELS")) {
                return 1;
            }
            return Math.max(
                    1,
                    ForeignMemory.getInt(at + Layouts.EthtoolChannels.RX_COUNT)
                            + ForeignMemory.getInt(at + Layouts.EthtoolChannels.COMBINED_COUNT));
        }
    }

    /**
     * Turns features of the hardware off.
     *
     * @param features ETH_FLAG constants
     * @return whether all of them are off now: some drivers do not let them be
     */
    public boolean turnOff(int features) throws ErrnoException {
        try (NativeBuffer value = NativeBuffer.scratch(Layouts.EthtoolValue.SIZE)) {
            long at = value.address();
            if (!ethtool(at, Constants.ETHTOOL_GFLAGS, "ETHTOOL_GFLAGS")) {
                return true;
            }
            int flags = ForeignMemory.getInt(at + Layouts.EthtoolValue.DATA);
            if ((flags & features) != 0) {
                ForeignMemory.putInt(at + Layouts.EthtoolValue.DATA, flags & ~features);
                ethtool(at, Constants.ETHTOOL_SFLAGS, "ETHTOOL_SFLAGS");
                ethtool(at, Constants.ETHTOOL_GFLAGS, "ETHTOOL_GFLAGS");
            }
            return (ForeignMemory.getInt(at + Layouts.EthtoolValue.DATA) & features) == 0;
        }
    }

    /** Returns false where the driver does not know the command, or refuses it. */
    private boolean ethtool(long structure, int command, String call) throws ErrnoException {
        try (NativeBuffer request = request(name)) {
            // The command is the first member of every structure.
            ForeignMemory.putInt(structure + Layouts.EthtoolValue.CMD, command);
            ForeignMemory.putLong(request.address() + Layouts.Ifreq.IFR_DATA, structure);
            call(Constants.SIOCETHTOOL, request, call);
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EOPNOTSUPP || e.errno() == Errno.EINVAL) {
                return false;
            }
            throw e;
        }
    }

    /** Makes another interface a port of this bridge. EBUSY where it is a port already. */
    public void addPort(NetInterface port) throws ErrnoException {
        onPort(Constants.SIOCBRADDIF, port, "SIOCBRADDIF");
    }

    /** Takes a port away from this bridge. */
    public void removePort(NetInterface port) throws ErrnoException {
        onPort(Constants.SIOCBRDELIF, port, "SIOCBRDELIF");
    }

    @Override
    public String toString() {
        return name;
    }

    /** Makes a zeroed request that names an interface. */
    static NativeBuffer request(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length == 0 || bytes.length >= Constants.IFNAMSIZ || name.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(
                    "an interface's name has 1 to 15 bytes: \"" + name + "\"");
        }
        NativeBuffer request = NativeBuffer.scratch(Layouts.Ifreq.SIZE);
        ForeignMemory.copyFromArray(
                bytes, 0, request.address() + Layouts.Ifreq.IFR_NAME, bytes.length);
        return request;
    }

    /** Returns the name that the kernel wrote into a request. */
    static String name(NativeBuffer request) {
        return request.segment().getString(Layouts.Ifreq.IFR_NAME);
    }

    private static long hardwareAddress(NativeBuffer request) {
        return request.address() + Layouts.Ifreq.IFR_HWADDR + Layouts.Sockaddr.SA_DATA;
    }

    private NativeBuffer call(int number, String call) throws ErrnoException {
        NativeBuffer request = request(name);
        try {
            call(number, request, call);
            return request;
        } catch (ErrnoException e) {
            request.close();
            throw e;
        }
    }

    private void onPort(int number, NetInterface port, String call) throws ErrnoException {
        int index = port.index();
        try (NativeBuffer request = request(name)) {
            ForeignMemory.putInt(request.address() + Layouts.Ifreq.IFR_IFINDEX, index);
            call(number, request, call);
        }
    }

    private void onBridgeName(int number, String call) throws ErrnoException {
        try (NativeBuffer request = request(name)) {
            call(number, request, call);
        }
    }

    private void call(int number, NativeBuffer request, String call) throws ErrnoException {
        long socket =
                Syscall.call(
                        Syscall.SOCKET,
                        Constants.AF_INET,
                        Constants.SOCK_DGRAM | Constants.SOCK_CLOEXEC,
                        0);
        try (Fd fd = Fd.of((int) Syscall.check(socket, "socket", "AF_INET"))) {
            Syscall.check(
                    Syscall.call(Syscall.IOCTL, fd.number(), number, request.address()),
                    "ioctl",
                    call + ", " + name);
        }
    }
}
