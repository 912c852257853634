package io.vireo.resource;

import java.util.Locale;

/** Kinds of failure of the control plane. */
public enum ErrorCode {
    /** The request breaks a rule of its format or of the kind. */
    INVALID(false),
    /** There is no such resource, kind or path. */
    NOT_FOUND(false),
    /** The path is there, but not for this method. */
    METHOD_NOT_ALLOWED(false),
    /**
     * The resource has changed since the client read it, or something else owns what it asks for.
     */
    CONFLICT(false),
    /** Others refer to the resource, or a guest uses it. */
    IN_USE(false),
    /** A resource that this one refers to is not there yet. */
    NOT_READY(true),
    /** Something outside (a file system, the kernel, a network) refused for now. */
    UNAVAILABLE(true),
    /** A pool, a quota or a limit is used up. */
    EXHAUSTED(true),
    /** This host or this version cannot do it. */
    UNSUPPORTED(false),
    /** The operating system or a rule of ours forbids it, until somebody permits it there. */
    PERMISSION_DENIED(true),
    /** The client has not shown who it is. */
    UNAUTHENTICATED(false),
    /** The request is larger than allowed. */
    TOO_LARGE(false),
    /** A defect of Vireo. */
    INTERNAL(false);

    private final boolean retryable;

    ErrorCode(boolean retryable) {
        this.retryable = retryable;
    }

    /** Whether the same attempt may succeed later with nothing changed in the request. */
    public boolean retryable() {
        return retryable;
    }

    /** As the reason of a condition: NOT_READY is {@code NotReady}. */
    public String reason() {
        StringBuilder text = new StringBuilder();
        for (String word : name().split("_")) {
            text.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
        }
        return text.toString();
    }
}
