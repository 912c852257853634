package io.vireo.api;

import io.vireo.control.KindHandle;
import io.vireo.control.KindRegistry;
import io.vireo.control.codec.ResourceCodec;
import io.vireo.control.event.Event;
import io.vireo.control.plan.DryRun;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Names;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The description of the interface, OpenAPI 3.1, made from the table of routes and the records of
 * the kinds.
 */
public final class OpenApi {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final Pattern VARIABLE = Pattern.compile("\\{([a-z]+)}");
    private static final String SCHEMAS = "#/components/schemas/";

    private OpenApi() {}

    /**
     * The document for a set of kinds, indented, with a line end. Equal inputs give equal texts.
     */
    public static String document(KindRegistry kinds) {
        ObjectNode root = JSON.objectNode();
        root.put("openapi", "3.1.0");
        ObjectNode info = root.putObject("info");
        info.put("title", "Vireo");
        info.put("version", ResourceCodec.API_VERSION);
        info.put(
                "description",
                "Virtual network cards and disks for servers, declared as resources.");
        info.putObject("license").put("name", "Apache-2.0").put("identifier", "Apache-2.0");
        ObjectNode paths = root.putObject("paths");
        for (Route route : RouteTable.describe(kinds)) {
            ObjectNode path =
                    paths.has(route.template())
                            ? (ObjectNode) paths.get(route.template())
                            : paths.putObject(route.template());
            path.set(route.method().toLowerCase(Locale.ROOT), operation(route));
        }
        ObjectNode components = root.putObject("components");
        components
                .putObject("securitySchemes")
                .putObject("token")
                .put("type", "http")
                .put("scheme", "bearer")
                .put("description", "For TCP. On the Unix socket the kernel tells who calls.");
        ObjectNode schemas = components.putObject("schemas");
        kinds.all().forEach(kind -> addKind(schemas, kind));
        addCommon(schemas, kinds);
        root.putArray("security").addObject().putArray("token");
        return JsonMapper.builder()
                        .enable(SerializationFeature.INDENT_OUTPUT)
                        .build()
                        .writeValueAsString(root)
                + "\n";
    }

    private static ObjectNode operation(Route route) {
        ObjectNode operation = JSON.objectNode();
        operation.put("operationId", route.id());
        operation.put("summary", route.summary());
        operation.putArray("tags").add(route.tag());
        var parameters = JSON.arrayNode();
        Matcher variables = VARIABLE.matcher(route.template());
        while (variables.find()) {
            ObjectNode parameter =
                    parameters.addObject().put("name", variables.group(1)).put("in", "path");
            parameter.put("required", true).putObject("schema").put("type", "string");
        }
        for (Route.Parameter query : route.query()) {
            ObjectNode parameter =
                    parameters.addObject().put("name", query.name()).put("in", "query");
            parameter
                    .put("description", query.description())
                    .putObject("schema")
                    .put("type", "string");
        }
        if (!parameters.isEmpty()) {
            operation.set("parameters", parameters);
        }
        route.requestSchema()
                .ifPresent(body ->
                        content(
                                        operation.putObject("requestBody").put("required", true),
                                        body.mediaType())
                                .put("$ref", SCHEMAS + body.schema()));
        ObjectNode responses = operation.putObject("responses");
        answer(
                responses.putObject(Integer.toString(route.status())).put("description", "Done."),
                route.answer());
        if (route.method().equals("PUT") || route.method().equals("PATCH")) {
            answer(
                    responses.putObject("200").put("description", "It was so already."),
                    route.answer());
        }
        content(responses.putObject("default").put("description", "Refused."), Problem.MEDIA_TYPE)
                .put("$ref", SCHEMAS + "Problem");
        if (route.open()) {
            operation.putArray("security");
        }
        return operation;
    }

    private static void answer(ObjectNode response, Route.Answer answer) {
        ObjectNode schema = content(response, answer.mediaType());
        if (answer.schema().isEmpty()) {
            schema.put("type", answer.mediaType().equals("application/json") ? "object" : "string");
        } else {
            schema.put("$ref", SCHEMAS + answer.schema());
        }
    }

    private static ObjectNode content(ObjectNode parent, String mediaType) {
        return parent.putObject("content").putObject(mediaType).putObject("schema");
    }

    private static void addKind(ObjectNode schemas, KindHandle<?> handle) {
        String kind = handle.kind().kind();
        schemas.set(kind + "Spec", SpecSchema.of(handle.kind().specType()));
        ObjectNode schema = object(schemas, kind, handle.kind().description());
        ObjectNode properties = (ObjectNode) schema.get("properties");
        properties.putObject("apiVersion").put("const", ResourceCodec.API_VERSION);
        properties.putObject("kind").put("const", kind);
        properties.putObject("metadata").put("$ref", SCHEMAS + "Metadata");
        properties.putObject("spec").put("$ref", SCHEMAS + kind + "Spec");
        ObjectNode status = properties.putObject("status");
        status.put("$ref", SCHEMAS + "Status").put("readOnly", true);
        schema.putArray("required").add("apiVersion").add("kind").add("metadata").add("spec");
        ObjectNode list = object(schemas, kind + "List", "All resources of the kind.");
        items((ObjectNode) list.get("properties"), kind);
    }

    private static ObjectNode object(ObjectNode schemas, String name, String description) {
        ObjectNode schema = schemas.putObject(name);
        schema.put("type", "object").put("description", description);
        schema.putObject("properties");
        return schema;
    }

    private static void items(ObjectNode properties, String schema) {
        items(properties, "items", schema);
    }

    private static void items(ObjectNode properties, String name, String schema) {
        properties
                .putObject(name)
                .put("type", "array")
                .putObject("items")
                .put("$ref", SCHEMAS + schema);
    }

    private static void strings(ObjectNode properties, String... names) {
        for (String name : names) {
            properties.putObject(name).put("type", "string");
        }
    }

    private static void addCommon(ObjectNode schemas, KindRegistry kinds) {
        addMetadata(schemas);
        addStatus(schemas);
        ObjectNode any = schemas.putObject("Resource");
        var choices = any.putArray("oneOf");
        for (KindHandle<?> kind : kinds.all()) {
            if (!kind.kind().derived()) {
                choices.addObject().put("$ref", SCHEMAS + kind.kind().kind());
            }
        }
        addRequests(schemas);
        addAnswers(schemas);
        addPlan(schemas);
        addProblem(schemas);
        addDiscovery(schemas);
        ObjectNode event = properties(object(schemas, "Event", "The data of a server-sent event."));
        strings(event, "id", "time", "kind", "name", "reason", "message");
        enumeration(event, "type", Event.Type.values());
    }

    private static void addRequests(ObjectNode schemas) {
        items(
                properties(object(schemas, "Batch", "Resources to be declared together.")),
                "Resource");
        schemas.putObject("Patch")
                .put("type", "object")
                .put("description", "A merge patch of the resource, RFC 7396.");
    }

    private static void addAnswers(ObjectNode schemas) {
        ObjectNode reference = properties(object(schemas, "Reference", "Names one resource."));
        strings(reference, "kind", "name");
        items(
                properties(object(schemas, "References", "Resources to be deleted together.")),
                "Reference");
        items(properties(object(schemas, "DeleteResult", "What is being deleted.")), "Reference");
        ObjectNode applied = properties(object(schemas, "Applied", "What came of one resource."));
        strings(applied, "kind", "name");
        enumeration(applied, "outcome", io.vireo.control.Applied.Outcome.values());
        applied.putObject("generation").put("type", "integer");
        applied.putObject("revision").put("type", "integer");
        items(
                properties(object(schemas, "ApplyResult", "What came of each resource, in order.")),
                "Applied");
        properties(
                        object(
                                schemas,
                                "OperationResult",
                                "Attributes of the resource's status that tell of what it is done"
                                        + " to."))
                .putObject("items")
                .put("type", "array")
                .putObject("items")
                .put("type", "string");
    }

    private static void addPlan(ObjectNode schemas) {
        ObjectNode action =
                properties(object(schemas, "Action", "One step from what runs to what is wanted."));
        enumeration(action, "verb", io.vireo.control.plan.Action.Verb.values());
        strings(action, "kind", "name", "reason");
        enumeration(action, "effect", DryRun.Effect.values());
        items(action, "changes", "Change");
        ObjectNode change =
                properties(
                        object(
                                schemas,
                                "Change",
                                "One field of a resource that becomes another one; without 'before' it"
                                        + " was not there, without 'after' it will not be."));
        strings(change, "field");
        change.putObject("before").put("description", "Any value.");
        change.putObject("after").put("description", "Any value.");
        ObjectNode plan =
                properties(
                        object(schemas, "Plan", "Steps in the order in which they would be done."));
        items(plan, "actions", "Action");
    }

    private static void addDiscovery(ObjectNode schemas) {
        ObjectNode discovery =
                properties(object(schemas, "Discovery", "What this daemon is and knows."));
        strings(discovery, "apiVersion", "version");
        items(discovery, "Kind");
        ObjectNode kind = properties(object(schemas, "Kind", "A kind of resource."));
        strings(kind, "kind", "plural", "description");
        kind.putObject("shortNames").put("type", "array").putObject("items").put("type", "string");
        kind.putObject("derived").put("type", "boolean");
    }

    private static ObjectNode properties(ObjectNode schema) {
        return (ObjectNode) schema.get("properties");
    }

    private static void enumeration(ObjectNode properties, String name, Enum<?>[] values) {
        var texts = properties.putObject(name).put("type", "string").putArray("enum");
        Arrays.stream(values).forEach(value -> texts.add(value.name()));
    }

    private static void addMetadata(ObjectNode schemas) {
        ObjectNode metadata =
                object(
                        schemas,
                        "Metadata",
                        "Name and history; users set name, labels and annotations.");
        ObjectNode properties = properties(metadata);
        properties.putObject("name").put("type", "string").put("pattern", "^" + Names.LABEL + "$");
        for (String name : List.of("labels", "annotations")) {
            properties
                    .putObject(name)
                    .put("type", "object")
                    .putObject("additionalProperties")
                    .put("type", "string");
        }
        properties
                .putObject("revision")
                .put("type", "integer")
                .put(
                        "description",
                        "If given in a change: the revision that the change is based on.");
        properties.putObject("uid").put("type", "string").put("readOnly", true);
        properties.putObject("generation").put("type", "integer").put("readOnly", true);
        for (String name : List.of("createdAt", "updatedAt", "deletionRequestedAt")) {
            properties
                    .putObject(name)
                    .put("type", "string")
                    .put("format", "date-time")
                    .put("readOnly", true);
        }
        properties.putObject("owner").put("$ref", SCHEMAS + "Reference").put("readOnly", true);
        metadata.putArray("required").add("name");
    }

    private static void addStatus(ObjectNode schemas) {
        ObjectNode condition =
                properties(object(schemas, "Condition", "One fact; the first is Ready."));
        strings(condition, "type", "reason", "message", "lastTransitionAt");
        condition
                .putObject("status")
                .put("type", "string")
                .putArray("enum")
                .add("True")
                .add("False");
        ObjectNode status = properties(object(schemas, "Status", "What runs."));
        status.putObject("observedGeneration").put("type", "integer");
        status.putObject("stalled")
                .put("type", "boolean")
                .put("description", "True if it is not ready and is not tried again by itself.");
        status.putObject("conditions")
                .put("type", "array")
                .putObject("items")
                .put("$ref", SCHEMAS + "Condition");
        status.putObject("attributes")
                .put("type", "object")
                .putObject("additionalProperties")
                .put("type", "string");
        status.putObject("metrics")
                .put("type", "object")
                .putObject("additionalProperties")
                .put("type", "number");
    }

    private static void addProblem(ObjectNode schemas) {
        ObjectNode problem = properties(object(schemas, "Problem", "A failure, RFC 9457."));
        strings(problem, "type", "title", "detail");
        problem.putObject("status").put("type", "integer");
        enumeration(problem, "code", ErrorCode.values());
        ObjectNode violation =
                problem.putObject("violations").put("type", "array").putObject("items");
        strings(violation.put("type", "object").putObject("properties"), "pointer", "message");
        problem.putObject("context")
                .put("type", "object")
                .putObject("additionalProperties")
                .put("type", "string");
    }
}
