package io.vireo.cli;

import java.io.Serial;
import java.util.List;

/** A failure that is told in one sentence, with an exit code. */
final class CliException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    private final int exitCode;
    private final transient List<String> details;

    CliException(int exitCode, String message) {
        this(exitCode, message, List.of());
    }

    CliException(int exitCode, String message, List<String> details) {
        super(message);
        this.exitCode = exitCode;
        this.details = List.copyOf(details);
    }

    int exitCode() {
        return exitCode;
    }

    /** More lines, one for each thing that is wrong. */
    List<String> details() {
        return details;
    }
}
