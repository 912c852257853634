package io.vireo.net;

/** Whether frames can pass a {@link NetPort}. */
public enum PortState {
    /** Frames pass. */
    UP,
    /** Nobody is at the other side, or the link is down: what is sent is dropped. */
    DOWN
}
