package io.vireo.fabric.storage.format;

import java.io.Serial;

/** What was read is not what the format says. The message is for the operator. */
public final class FormatException extends Exception {
    @Serial private static final long serialVersionUID = 1L;

    private final String why;

    public FormatException(String why) {
        super(why);
        this.why = why;
    }

    /** What is not as it should be. */
    public String why() {
        return why;
    }
}
