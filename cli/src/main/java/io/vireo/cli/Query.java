package io.vireo.cli;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The query of a request. */
final class Query {
    private final List<String> parts = new ArrayList<>();

    /** Adds a parameter if it has a value. */
    Query with(String name, @Nullable String value) {
        if (value != null) {
            parts.add(name + "=" + encoded(value));
        }
        return this;
    }

    /** A path with the query behind it. */
    String behind(String path) {
        return parts.isEmpty() ? path : path + "?" + String.join("&", parts);
    }

    /** A part of a path, or a value, as it is in a request. */
    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
