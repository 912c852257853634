package io.vireo.resource;

import java.io.Serial;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A failure with a code for programs, a message that says what to do, and context. */
public final class ResourceException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    private final ErrorCode code;
    private final transient Map<String, String> context;
    private final transient List<Violation> violations;

    private ResourceException(
            ErrorCode code,
            String message,
            Map<String, String> context,
            List<Violation> violations,
            @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
        this.context = Collections.unmodifiableMap(new LinkedHashMap<>(context));
        this.violations = List.copyOf(violations);
    }

    public ResourceException(ErrorCode code, String message) {
        this(code, message, Map.of(), List.of(), null);
    }

    public ResourceException(ErrorCode code, String message, Throwable cause) {
        this(code, message, Map.of(), List.of(), cause);
    }

    public ResourceException(ErrorCode code, String message, Map<String, String> context) {
        this(code, message, context, List.of(), null);
    }

    /** A request that breaks rules, each with the place. */
    public static ResourceException invalid(String message, List<Violation> violations) {
        return new ResourceException(ErrorCode.INVALID, message, Map.of(), violations, null);
    }

    public ErrorCode code() {
        return code;
    }

    /** What it is about: names, paths, limits. */
    public Map<String, String> context() {
        return context;
    }

    /** The rules broken; empty unless the code is {@link ErrorCode#INVALID}. */
    public List<Violation> violations() {
        return violations;
    }
}
