/** What turns physical adapters into virtual resources: the switch and the storage pools. */
module io.vireo.fabric {
    requires io.vireo.core;
    requires static org.jspecify;

    exports io.vireo.fabric.storage.pool to
            io.vireo.server;

    uses io.vireo.block.BlockPoolProvider;
    uses io.vireo.block.HostDisks;
    uses io.vireo.net.UplinkProvider;

    provides io.vireo.resource.ResourceKind with
            io.vireo.fabric.l2.NetworkKind,
            io.vireo.fabric.l2.MirrorKind,
            io.vireo.fabric.l2.acl.AclKind,
            io.vireo.fabric.l2.UplinkKind,
            io.vireo.fabric.l2.qos.QosPolicyKind,
            io.vireo.fabric.storage.qos.DiskQosPolicyKind,
            io.vireo.fabric.storage.transfer.VdiskExportKind,
            io.vireo.fabric.storage.PoolKind,
            io.vireo.fabric.storage.SnapshotGroupKind,
            io.vireo.fabric.storage.SnapshotKind,
            io.vireo.fabric.storage.SnapshotScheduleKind,
            io.vireo.fabric.storage.VdiskKind,
            io.vireo.fabric.storage.VdiskRollbackKind;
}
