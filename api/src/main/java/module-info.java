/**
 * The REST interface: resources, events, metrics and their OpenAPI description, generic over kinds.
 */
module io.vireo.api {
    requires transitive io.vireo.control;
    requires jdk.net;
    requires org.eclipse.jetty.server;
    requires org.eclipse.jetty.unixdomain.server;
    requires org.slf4j;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports io.vireo.api;
}
