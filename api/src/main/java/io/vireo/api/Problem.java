package io.vireo.api;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Failures as problem details, RFC 9457. */
final class Problem {
    static final String MEDIA_TYPE = "application/problem+json";

    private Problem() {}

    /** The HTTP status for a failure, RFC 9110 section 15. */
    static int status(ErrorCode code) {
        return switch (code) {
            case INVALID -> 400;
            case UNAUTHENTICATED -> 401;
            case PERMISSION_DENIED -> 403;
            case NOT_FOUND -> 404;
            case CONFLICT, IN_USE -> 409;
            case METHOD_NOT_ALLOWED -> 405;
            case TOO_LARGE -> 413;
            case UNSUPPORTED -> 422;
            case INTERNAL -> 500;
            case NOT_READY, UNAVAILABLE -> 503;
            case EXHAUSTED -> 507;
        };
    }

    /** The document for a failure. */
    static ObjectNode of(ResourceException failure) {
        ObjectNode node =
                of(status(failure.code()), failure.code(), String.valueOf(failure.getMessage()));
        if (!failure.violations().isEmpty()) {
            ArrayNode violations = node.putArray("violations");
            failure.violations()
                    .forEach(each ->
                            violations
                                    .addObject()
                                    .put("pointer", each.pointer())
                                    .put("message", each.message()));
        }
        if (!failure.context().isEmpty()) {
            ObjectNode context = node.putObject("context");
            failure.context().forEach(context::put);
        }
        return node;
    }

    /** The document for a failure that has only a code and a message. */
    static ObjectNode of(int status, ErrorCode code, String detail) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        String name = code.name().toLowerCase(Locale.ROOT).replace('_', '-');
        node.put("type", "urn:vireo:problem:" + name);
        node.put("title", name.replace('-', ' '));
        node.put("status", status);
        node.put("code", code.name());
        node.put("detail", detail);
        return node;
    }
}
