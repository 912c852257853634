package io.vireo.api;

import java.util.List;
import java.util.Optional;

/**
 * One operation.
 *
 * @param method of HTTP
 * @param template the path, with variables in braces
 * @param id the operation's name, unique
 * @param summary one line
 * @param tag what it belongs to
 * @param query names and meanings of query parameters
 * @param requestSchema the component that the body follows, if there is a body
 * @param status the status of success
 * @param answer what the answer follows
 * @param open whether it is answered without authentication
 */
record Route(
        String method,
        String template,
        String id,
        String summary,
        String tag,
        List<Parameter> query,
        Optional<Body> requestSchema,
        int status,
        Answer answer,
        boolean open,
        Handler handler) {
    /** Does the operation. */
    @FunctionalInterface
    interface Handler {
        Reply handle(Exchange exchange);
    }

    /** A query parameter. */
    record Parameter(String name, String description) {}

    /** The body of a request. */
    record Body(String mediaType, String schema) {}

    /** The body of an answer; an empty schema means text. */
    record Answer(String mediaType, String schema) {
        static Answer json(String schema) {
            return new Answer("application/json", schema);
        }

        static Answer text(String mediaType) {
            return new Answer(mediaType, "");
        }
    }

    static Route get(
            String template,
            String id,
            String tag,
            String summary,
            Answer answer,
            Handler handler) {
        return new Route(
                "GET",
                template,
                id,
                summary,
                tag,
                List.of(),
                Optional.empty(),
                200,
                answer,
                false,
                handler);
    }

    static Route write(
            String method,
            String template,
            String id,
            String tag,
            String summary,
            Answer answer,
            Handler handler) {
        int status = method.equals("POST") ? 200 : 202;
        return new Route(
                method,
                template,
                id,
                summary,
                tag,
                List.of(),
                Optional.empty(),
                status,
                answer,
                false,
                handler);
    }

    Route accepting(String mediaType, String schema) {
        return new Route(
                method,
                template,
                id,
                summary,
                tag,
                query,
                Optional.of(new Body(mediaType, schema)),
                status,
                answer,
                open,
                handler);
    }

    Route with(Parameter... parameters) {
        return new Route(
                method,
                template,
                id,
                summary,
                tag,
                List.of(parameters),
                requestSchema,
                status,
                answer,
                open,
                handler);
    }

    Route withoutAuthentication() {
        return new Route(
                method,
                template,
                id,
                summary,
                tag,
                query,
                requestSchema,
                status,
                answer,
                true,
                handler);
    }
}
