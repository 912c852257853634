package io.vireo.fabric.storage.move;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;

/** The pool that a vDisk is moved to was full before all of it was there. */
final class FullException extends RuntimeException {
    private static final long serialVersionUID = 1;

    FullException(String why) {
        super(why);
    }

    /** What a copy failed with. */
    static RuntimeException of(String why, boolean noSpace) {
        return noSpace ? new FullException(why) : new ResourceException(ErrorCode.UNAVAILABLE, why);
    }
}
