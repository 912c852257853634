/**
 * The contracts that everything else meets at, and the mechanisms of the data path: memory,
 * reactors and virtqueues.
 */
module io.vireo.core {
    requires transitive io.vireo.linux;
    requires org.jctools.core.jdk11;
    requires static org.jspecify;

    exports io.vireo.resource;
    exports io.vireo.resource.spec;
    exports io.vireo.memory to
            io.vireo.adapters,
            io.vireo.fabric,
            io.vireo.devices,
            io.vireo.transports,
            io.vireo.server;
    exports io.vireo.reactor to
            io.vireo.adapters,
            io.vireo.fabric,
            io.vireo.devices,
            io.vireo.transports,
            io.vireo.server;
    exports io.vireo.virtqueue to
            io.vireo.devices,
            io.vireo.transports;
    exports io.vireo.net to
            io.vireo.adapters,
            io.vireo.fabric,
            io.vireo.devices,
            io.vireo.server;
    exports io.vireo.block to
            io.vireo.adapters,
            io.vireo.fabric,
            io.vireo.devices,
            io.vireo.server;
    exports io.vireo.scsi to
            io.vireo.devices,
            io.vireo.transports,
            io.vireo.server;
    exports io.vireo.device to
            io.vireo.devices,
            io.vireo.transports,
            io.vireo.server;
    exports io.vireo.transport to
            io.vireo.devices,
            io.vireo.transports,
            io.vireo.server;
}
