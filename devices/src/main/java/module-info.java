/** Device models: what a server's driver talks to. No sockets, no files. */
module io.vireo.devices {
    requires io.vireo.core;
    requires static org.jspecify;

    exports io.vireo.device.scsi to
            io.vireo.server;

    uses io.vireo.net.HostPortProvider;

    provides io.vireo.resource.ResourceKind with
            io.vireo.device.virtio.blk.VdiskAttachmentKind,
            io.vireo.device.virtio.net.VnicKind,
            io.vireo.device.virtio.scsi.VhbaKind;
}
