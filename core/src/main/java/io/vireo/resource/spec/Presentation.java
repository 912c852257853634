package io.vireo.resource.spec;

/** How a server gets a virtual network card. */
public enum Presentation {
    /** A virtio card at a vhost-user socket, for a hypervisor. */
    VHOST_USER,
    /** A TAP interface of the host, for the host itself or for a container. */
    TAP
}
