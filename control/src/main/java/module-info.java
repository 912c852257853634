/**
 * The control plane: desired state, durably stored, reconciled onto whatever the kinds of resources
 * create.
 */
module io.vireo.control {
    requires transitive io.vireo.core;
    requires transitive tools.jackson.databind;
    requires java.sql;
    requires org.slf4j;
    requires org.xerial.sqlitejdbc;
    requires static org.jspecify;

    exports io.vireo.control;
    exports io.vireo.control.codec;
    exports io.vireo.control.event;
    exports io.vireo.control.identity;
    exports io.vireo.control.plan;
    exports io.vireo.control.profile;
    exports io.vireo.control.store;

    provides io.vireo.resource.ResourceKind with
            io.vireo.control.profile.ServerProfileKind;
}
