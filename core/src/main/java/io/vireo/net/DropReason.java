package io.vireo.net;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Why a {@link Network} did not let a frame through. Counted at the port that the frame came in by,
 * or at the one that it should have left by: {@link #received} and {@link #transmitted} say where a
 * reason occurs.
 */
public enum DropReason {
    /** Came with a source address that is no station's, or with a broken tag. */
    INVALID(true, false),

    /** Came with a VLAN that the port does not carry. */
    VLAN(true, false),

    /** Longer than the network allows, or the port that it should leave by. */
    TOO_LONG(true, true),

    /**
     * Rightly not forwarded: addressed to the bridge itself, to a station at the same port, or from
     * one uplink to another.
     */
    FILTERED(true, false),

    /** The port that it should leave by was down. */
    DOWN(false, true),

    /**
     * The port that it should leave by had no room, or the frame could not be put into the form
     * that it takes.
     */
    NO_BUFFER(false, true);

    private final boolean received;
    private final boolean transmitted;

    DropReason(boolean received, boolean transmitted) {
        this.received = received;
        this.transmitted = transmitted;
    }

    /** Whether it is counted at the port that the frame came in by. */
    public boolean received() {
        return received;
    }

    /** Whether it is counted at the port that the frame should have left by. */
    public boolean transmitted() {
        return transmitted;
    }

    /** Its name in metrics and documentation, for example {@code no-buffer}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The reasons that are counted where frames come in. */
    public static List<DropReason> ofReceived() {
        return Arrays.stream(values()).filter(DropReason::received).toList();
    }

    /** The reasons that are counted where frames leave. */
    public static List<DropReason> ofTransmitted() {
        return Arrays.stream(values()).filter(DropReason::transmitted).toList();
    }
}
