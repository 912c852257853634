package io.vireo.cli;

import io.vireo.cli.http.Endpoint;
import io.vireo.cli.http.HttpClient;
import io.vireo.cli.http.HttpResponse;
import io.vireo.cli.http.UnreachableException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The daemon's interface. Every failure becomes a {@link CliException}. */
final class ApiClient {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final byte[] NOTHING = {};

    /** Names, and those of parts: {@code web1.eth0}. */
    private static final Pattern NAME = Pattern.compile("[a-z0-9-]+(\\.[a-z0-9-]+)?");

    private final HttpClient http;

    ApiClient(Endpoint endpoint) {
        this.http = new HttpClient(endpoint);
    }

    /**
     * The path of a resource.
     *
     * @throws CliException if no resource can have that name
     */
    static String path(String plural, String name) {
        requireName(name);
        return "/v1/" + plural + "/" + name;
    }

    /**
     * Looks at a name before anybody is asked for what has it.
     *
     * @throws CliException if no resource can have that name
     */
    static void requireName(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new CliException(
                    ExitCode.NOT_FOUND,
                    "nothing can be called '%s': names are of lower-case letters, digits and '-'"
                            .formatted(name));
        }
    }

    JsonNode get(String path) {
        return call("GET", path, NOTHING);
    }

    /** Posts nothing. */
    JsonNode post(String path) {
        return call("POST", path, NOTHING);
    }

    /** Posts a list of documents. */
    JsonNode post(String path, List<? extends JsonNode> items) {
        return call("POST", path, body(items));
    }

    /** Posts resources; what is wrong with one is told by its file and name. */
    JsonNode post(String path, Declared declared) {
        return call("POST", path, body(declared.resources()), declared::place);
    }

    private static byte[] body(List<? extends JsonNode> items) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putArray("items").addAll(items);
        return body.toString().getBytes(StandardCharsets.UTF_8);
    }

    private JsonNode call(String method, String path, byte[] body) {
        return call(method, path, body, UnaryOperator.identity());
    }

    private JsonNode call(String method, String path, byte[] body, UnaryOperator<String> place) {
        Map<String, String> headers =
                body.length == 0 ? Map.of() : Map.of("Content-Type", "application/json");
        try (HttpResponse response = http.send(method, path, headers, body)) {
            String text = response.text();
            if (response.status() >= 400) {
                throw refused(response.status(), text, place);
            }
            return MAPPER.readTree(text);
        } catch (IOException e) {
            throw failed(e);
        } catch (JacksonException e) {
            throw new CliException(
                    ExitCode.FAILED, "the answer of " + http.endpoint().title() + " is no JSON");
        }
    }

    /** Opens a stream; the caller closes it. */
    HttpResponse stream(String path, Map<String, String> headers) {
        try {
            HttpResponse response = http.send("GET", path, headers, NOTHING);
            if (response.status() >= 400) {
                try (response) {
                    throw refused(response.status(), response.text(), UnaryOperator.identity());
                }
            }
            return response;
        } catch (IOException e) {
            throw failed(e);
        }
    }

    static CliException failed(IOException e) {
        if (e instanceof UnreachableException) {
            String message = String.valueOf(e.getMessage());
            return new CliException(
                    ExitCode.UNREACHABLE,
                    message
                            + (message.endsWith("Permission denied")
                                    ? "; become a member of the group of its sockets, or root"
                                    : "; start it with 'vireo serve', or name it with --socket or"
                                            + " --server"));
        }
        return new CliException(
                ExitCode.FAILED, "the connection to the daemon broke: " + e.getMessage());
    }

    private static CliException refused(int status, String text, UnaryOperator<String> place) {
        int exit =
                switch (status) {
                    case 404 -> ExitCode.NOT_FOUND;
                    case 409 -> ExitCode.CONFLICT;
                    default -> ExitCode.FAILED;
                };
        try {
            JsonNode problem = MAPPER.readTree(text);
            List<String> violations = new ArrayList<>();
            problem.path("violations").forEach(each -> violations.add(violation(each, place)));
            if (violations.size() == 1) {
                return new CliException(exit, violations.getFirst());
            }
            if (!violations.isEmpty()) {
                return new CliException(
                        exit, violations.size() + " things are to be mended", violations);
            }
            String detail = problem.path("detail").asString("");
            return new CliException(exit, detail.isEmpty() ? answered(status) : detail);
        } catch (JacksonException _) {
            return new CliException(exit, answered(status));
        }
    }

    private static String answered(int status) {
        return "the daemon answered " + status;
    }

    private static String violation(JsonNode violation, UnaryOperator<String> place) {
        String where = place.apply(violation.path("pointer").asString());
        return (where.isEmpty() ? "" : where + ": ") + violation.path("message").asString();
    }
}
