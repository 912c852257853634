/** How devices are presented to servers. */
module io.vireo.transports {
    requires io.vireo.linux;
    requires transitive io.vireo.core;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports io.vireo.transport.iscsi to
            io.vireo.server;
    exports io.vireo.transport.qmp to
            io.vireo.server;
    exports io.vireo.transport.vhostuser to
            io.vireo.server;

    provides io.vireo.resource.ResourceKind with
            io.vireo.transport.iscsi.IscsiPortalKind,
            io.vireo.transport.iscsi.IscsiTargetKind;
}
