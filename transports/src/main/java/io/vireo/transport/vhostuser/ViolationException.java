package io.vireo.transport.vhostuser;

/**
 * A rule that a front end broke. The message is the rule, a constant, so that each cause is logged
 * once.
 */
final class ViolationException extends Exception {
    private static final long serialVersionUID = 1;

    ViolationException(String rule) {
        super(rule, null, false, false);
    }

    ViolationException(String rule, Throwable cause) {
        super(rule, cause, false, false);
    }

    /** The rule, without details. */
    String rule() {
        return String.valueOf(getMessage());
    }

    /** The rule, with what the host said about it. */
    String sentence() {
        return getCause() == null ? rule() : rule() + " (" + getCause().getMessage() + ")";
    }
}
