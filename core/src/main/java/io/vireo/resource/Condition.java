package io.vireo.resource;

import java.util.Objects;

/**
 * One yes-or-no fact about a resource.
 *
 * @param type what the fact is, for example {@link #READY} or {@link #CONNECTED}
 * @param met whether it holds
 * @param reason one word in CamelCase for programs
 * @param message one sentence for people; says what to do where something is wrong
 */
public record Condition(String type, boolean met, String reason, String message) {
    /**
     * Desired state is in force. Set by the reconciler; a realization may add its own to lower it.
     */
    public static final String READY = "Ready";

    /** A guest, initiator or link partner is there. */
    public static final String CONNECTED = "Connected";

    /** What holds data can take more of it. */
    public static final String ROOM = "Room";

    /** Of a pool with quotas: whether each has something left. */
    public static final String QUOTA = "Quota";

    /** Everything is kept on as many disks as it should be. */
    public static final String REDUNDANT = "Redundant";

    /** Nothing was found that is not as it was written. */
    public static final String INTACT = "Intact";

    /** Of a vDisk, where it does not hold: a loss of power leaves each block whole. */
    public static final String WHOLE_BLOCKS = "WholeBlocks";

    public Condition {
        Objects.requireNonNull(type);
        Objects.requireNonNull(reason);
        Objects.requireNonNull(message);
    }
}
