package io.vireo.testkit.crash;

/**
 * A crash after which the store was not what it has to be: how to see it again is in the message.
 */
public final class CrashFailure extends AssertionError {
    private static final long serialVersionUID = 1;

    CrashFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
