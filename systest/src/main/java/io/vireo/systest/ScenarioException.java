package io.vireo.systest;

import java.io.Serial;

/**
 * A guest, or what serves it, did not do what the scenario expects. The message says what was seen.
 */
public final class ScenarioException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1;

    public ScenarioException(String message) {
        super(message);
    }

    public ScenarioException(String message, Throwable cause) {
        super(message, cause);
    }
}
