package io.vireo.api;

import java.io.IOException;
import java.io.OutputStream;
import tools.jackson.databind.JsonNode;

/** What a route answers. */
sealed interface Reply {
    /** A JSON document. */
    record Json(int status, JsonNode body) implements Reply {}

    /** A text of any media type. */
    record Text(String mediaType, String body) implements Reply {}

    /** A body that is written as it comes about, until the client goes away. */
    record Stream(String mediaType, Body body) implements Reply {}

    /** Writes a stream. */
    @FunctionalInterface
    interface Body {
        void writeTo(OutputStream out) throws IOException, InterruptedException;
    }

    static Reply ok(JsonNode body) {
        return new Json(200, body);
    }
}
