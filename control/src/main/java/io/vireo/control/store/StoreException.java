package io.vireo.control.store;

import java.io.Serial;

/** The store's medium failed. */
public class StoreException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    public StoreException(String message) {
        super(message);
    }

    public StoreException(String message, Throwable cause) {
        super(message, cause);
    }
}
