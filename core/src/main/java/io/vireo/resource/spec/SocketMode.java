package io.vireo.resource.spec;

/** Who listens on a vhost-user socket. */
public enum SocketMode {
    /** Vireo listens, the hypervisor connects (and reconnects). */
    SERVER,
    /** The hypervisor listens, Vireo connects and tries for ever. */
    CLIENT
}
