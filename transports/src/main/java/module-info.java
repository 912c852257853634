/** How devices are presented to servers. */
module io.vireo.transports {
    requires io.vireo.core;
    requires io.vireo.linux;
    requires static org.jspecify;
}
