/** The physical side: network interfaces, files and disks of the host. */
module io.vireo.adapters {
    requires io.vireo.core;
    requires io.vireo.linux;
    requires static org.jspecify;

    exports io.vireo.adapter.image to
            io.vireo.server;

    provides io.vireo.block.BlockPoolProvider with
            io.vireo.adapter.directory.DirectoryPoolProvider,
            io.vireo.adapter.directory.ImagePoolProvider,
            io.vireo.adapter.nulldev.NullPoolProvider,
            io.vireo.adapter.ram.RamPoolProvider;
    provides io.vireo.block.HostDisks with
            io.vireo.adapter.directory.RawDisks;
    provides io.vireo.net.HostPortProvider with
            io.vireo.adapter.tap.TapHostPortProvider;
    provides io.vireo.net.UplinkProvider with
            io.vireo.adapter.packet.PacketUplinkProvider,
            io.vireo.adapter.tap.TapUplinkProvider,
            io.vireo.adapter.xdp.XdpUplinkProvider;
}
