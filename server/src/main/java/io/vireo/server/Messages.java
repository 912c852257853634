package io.vireo.server;

import io.vireo.resource.ResourceException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Turns exceptions into sentences for people. */
final class Messages {
    private Messages() {}

    /**
     * What went wrong, with the cause where that says more than the exception itself. What we say
     * ourselves is whole.
     */
    static String of(Throwable e) {
        var own =
                switch (e) {
                    case AccessDeniedException denied -> "permission denied: " + denied.getFile();
                    case NoSuchFileException missing -> "no such file: " + missing.getFile();
                    case FileSystemException file ->
                            file.getFile()
                                    + ": "
                                    + (file.getReason() == null ? file : file.getReason());
                    default -> e.getMessage() == null ? e.toString() : e.getMessage();
                };
        var cause = e.getCause();
        if (cause == null
                || e instanceof ResourceException
                || own.contains(String.valueOf(cause.getMessage()))) {
            return own;
        }
        return own + ": " + of(cause);
    }
}
