/** What turns physical adapters into virtual resources: the switch and the storage pools. */
module io.vireo.fabric {
    requires io.vireo.core;
    requires static org.jspecify;

    provides io.vireo.resource.ResourceKind with
            io.vireo.fabric.l2.NetworkKind;
}
