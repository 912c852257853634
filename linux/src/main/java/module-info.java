/**
 * System calls of Linux through {@code java.lang.foreign}. The only module of the project that is
 * granted native access.
 */
module io.vireo.linux {
    requires static org.jspecify;

    exports io.vireo.linux to
            io.vireo.core,
            io.vireo.adapters,
            io.vireo.transports,
            io.vireo.server;
}
