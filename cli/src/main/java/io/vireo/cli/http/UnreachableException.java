package io.vireo.cli.http;

import java.io.IOException;
import java.io.Serial;

/** There is no daemon at the endpoint. */
public final class UnreachableException extends IOException {
    @Serial private static final long serialVersionUID = 1L;

    public UnreachableException(Endpoint endpoint, IOException cause) {
        super("cannot reach the daemon at " + endpoint.title() + ": " + cause.getMessage(), cause);
    }
}
