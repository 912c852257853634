/** How devices are presented to servers. */
module io.vireo.transports {
    requires io.vireo.linux;
    requires transitive io.vireo.core;
    requires static org.jspecify;

    exports io.vireo.transport.vhostuser to
            io.vireo.server;
}
