/** The daemon: joins everything together. Nothing imports it. */
module io.vireo.server {
    requires info.picocli;
    requires io.vireo.adapters;
    requires io.vireo.api;
    requires io.vireo.control;
    requires io.vireo.core;
    requires io.vireo.devices;
    requires io.vireo.fabric;
    requires io.vireo.linux;
    requires io.vireo.transports;
    requires static org.jspecify;

    uses io.vireo.block.HostDisks;
    uses io.vireo.resource.ResourceKind;

    opens io.vireo.server to
            info.picocli;
}
