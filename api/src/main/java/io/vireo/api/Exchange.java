package io.vireo.api;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.Fields;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One request, as routes see it. */
final class Exchange {
    /** Largest body of a request, in bytes. */
    static final int MAX_BODY = 1 << 20;

    /** Deepest nesting of a JSON body. */
    static final int MAX_DEPTH = 32;

    private static final JsonMapper STRICT =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(MAX_DEPTH)
                                                    .maxStringLength(64 * 1024)
                                                    .maxNumberLength(40)
                                                    .maxDocumentLength(MAX_BODY)
                                                    .build())
                                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                                    .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private final Request request;
    private final Map<String, String> path;

    Exchange(Request request, Map<String, String> path) {
        this.request = request;
        this.path = path;
    }

    /** A variable of the route's template. */
    String path(String variable) {
        String value = path.get(variable);
        if (value == null) {
            throw new IllegalStateException("the route has no " + variable);
        }
        return value;
    }

    Optional<String> header(String header) {
        return Optional.ofNullable(request.getHeaders().get(header));
    }

    Optional<String> query(String name) {
        Fields.Field field = Request.extractQueryParameters(request).get(name);
        return field == null ? Optional.empty() : Optional.ofNullable(field.getValue());
    }

    /**
     * All query parameters.
     *
     * @param known those that may be given
     */
    Map<String, String> queries(List<String> known) {
        Map<String, String> queries = new HashMap<>();
        for (Fields.Field field : Request.extractQueryParameters(request)) {
            if (!known.contains(field.getName())) {
                throw new ResourceException(
                        ErrorCode.INVALID,
                        "there is no query parameter '"
                                + field.getName()
                                + "' here; known are "
                                + String.join(", ", known));
            }
            queries.put(field.getName(), field.getValue());
        }
        return queries;
    }

    /**
     * The body as JSON.
     *
     * @param mediaTypes those that the route takes
     */
    JsonNode body(List<String> mediaTypes) {
        String type = header("Content-Type").orElse("").split(";", 2)[0].strip();
        if (!mediaTypes.contains(type)) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "the body has the type '"
                            + type
                            + "'; send Content-Type: "
                            + String.join(" or ", mediaTypes));
        }
        byte[] bytes = read();
        try {
            JsonNode node = STRICT.readTree(bytes);
            if (node.isMissingNode()) {
                throw new ResourceException(
                        ErrorCode.INVALID, "the body is empty; send a JSON document");
            }
            return node;
        } catch (JacksonException e) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "the body is no JSON that is taken here: " + e.getOriginalMessage(),
                    e);
        }
    }

    private byte[] read() {
        if (request.getLength() > MAX_BODY) {
            throw tooLarge();
        }
        try (InputStream in = Content.Source.asInputStream(request)) {
            byte[] bytes = in.readNBytes(MAX_BODY + 1);
            if (bytes.length > MAX_BODY) {
                throw tooLarge();
            }
            return bytes;
        } catch (IOException e) {
            throw new ResourceException(ErrorCode.INVALID, "the body ended early", e);
        }
    }

    private static ResourceException tooLarge() {
        return new ResourceException(
                ErrorCode.TOO_LARGE,
                "the body is larger than "
                        + MAX_BODY
                        + " bytes; apply the resources in several requests");
    }
}
