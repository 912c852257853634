package io.vireo.resource.spec;

/** Whether an operator wants a card's link (ifAdminStatus of RFC 2863). */
public enum AdminState {
    /** The cable is plugged in. */
    UP,
    /** The cable is pulled: nothing passes. */
    DOWN
}
