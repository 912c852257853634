package io.vireo.control.codec;

import io.vireo.control.KindHandle;
import io.vireo.control.KindRegistry;
import io.vireo.control.Resource;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Names;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Spec;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The envelope of a resource: {@code apiVersion, kind, metadata, spec, status}. */
public final class ResourceCodec {
    /** The version of the resources' form. */
    public static final String API_VERSION = "vireo/v1";

    private static final List<String> FIELDS =
            List.of("apiVersion", "kind", "metadata", "spec", "status");
    private static final List<String> METADATA_FIELDS =
            List.of(
                    "name",
                    "labels",
                    "annotations",
                    "uid",
                    "generation",
                    "revision",
                    "createdAt",
                    "updatedAt",
                    "deletionRequestedAt",
                    "owner");
    private static final int LABEL_LENGTH = 255;
    private static final int ANNOTATION_LENGTH = 4096;

    private final KindRegistry kinds;
    private final JsonMapper mapper = JsonMapper.builder().build();

    public ResourceCodec(KindRegistry kinds) {
        this.kinds = kinds;
    }

    /**
     * Reads what a user wrote. The status and the metadata that only the server sets may be there
     * and are ignored, so that what was read can be applied again; a revision, if given, is a
     * condition.
     *
     * @param pointer where the resource is in its document, "" if it is the document
     * @return empty if the binder was told of violations
     */
    public Optional<Manifest> manifest(JsonNode node, String pointer, SpecBinder binder) {
        if (!node.isObject()) {
            binder.report(pointer, "must be an object with apiVersion, kind, metadata and spec");
            return Optional.empty();
        }
        int before = binder.violations().size();
        binder.reportUnknown(node, FIELDS, pointer);
        apiVersion(node, pointer, binder);
        Optional<KindHandle<?>> kind = kind(node, pointer, binder);
        Optional<Meta> metadata = metadata(node.path("metadata"), pointer + "/metadata", binder);
        JsonNode spec = node.has("spec") ? node.get("spec") : JsonNodeFactory.instance.objectNode();
        Optional<Spec> bound = kind.flatMap(handle -> bindSpec(handle, spec, pointer, binder));
        boolean clean = binder.violations().size() == before;
        if (!clean || kind.isEmpty() || metadata.isEmpty() || bound.isEmpty()) {
            return Optional.empty();
        }
        Meta meta = metadata.get();
        return Optional.of(
                new Manifest(
                        kind.get().kind().kind(),
                        meta.name,
                        meta.labels,
                        meta.annotations,
                        meta.revision,
                        bound.get()));
    }

    private static Optional<Spec> bindSpec(
            KindHandle<?> handle, JsonNode spec, String pointer, SpecBinder binder) {
        return binder.bind(spec, handle.kind().specType(), pointer + "/spec").map(Spec.class::cast);
    }

    private static void apiVersion(JsonNode node, String pointer, SpecBinder binder) {
        JsonNode version = node.path("apiVersion");
        if (!version.isString() || !version.stringValue().equals(API_VERSION)) {
            binder.report(pointer + "/apiVersion", "must be '" + API_VERSION + "'");
        }
    }

    private Optional<KindHandle<?>> kind(JsonNode node, String pointer, SpecBinder binder) {
        JsonNode kind = node.path("kind");
        Optional<KindHandle<?>> handle =
                kind.isString() ? kinds.find(kind.stringValue()) : Optional.empty();
        if (handle.isEmpty()) {
            String known =
                    String.join(
                            ", ",
                            kinds.all().stream().map(known1 -> known1.kind().kind()).toList());
            binder.report(pointer + "/kind", "must be one of " + known);
        }
        return handle;
    }

    private record Meta(
            String name,
            Map<String, String> labels,
            Map<String, String> annotations,
            OptionalLong revision) {}

    private static Optional<Meta> metadata(JsonNode node, String pointer, SpecBinder binder) {
        if (!node.isObject()) {
            binder.report(pointer, "must be an object with a name");
            return Optional.empty();
        }
        binder.reportUnknown(node, METADATA_FIELDS, pointer);
        JsonNode name = node.path("name");
        String text = name.isString() ? name.stringValue() : "";
        if (name.isNumber() || name.isBoolean()) {
            binder.report(pointer + "/name", SpecBinder.noString(name));
        } else if (!Names.isDerived(text)) {
            Names.problem(text).ifPresent(problem -> binder.report(pointer + "/name", problem));
        }
        Optional<Map<String, String>> labels =
                strings(node, "labels", LABEL_LENGTH, pointer, binder);
        Optional<Map<String, String>> annotations =
                strings(node, "annotations", ANNOTATION_LENGTH, pointer, binder);
        JsonNode revision = node.path("revision");
        if (!revision.isMissingNode() && !revision.canConvertToLong()) {
            binder.report(pointer + "/revision", "must be a whole number");
        }
        if (labels.isEmpty() || annotations.isEmpty()) {
            return Optional.empty();
        }
        OptionalLong seen =
                revision.isIntegralNumber()
                        ? OptionalLong.of(revision.longValue())
                        : OptionalLong.empty();
        return Optional.of(new Meta(text, labels.get(), annotations.get(), seen));
    }

    private static Optional<Map<String, String>> strings(
            JsonNode node, String field, int maxLength, String pointer, SpecBinder binder) {
        return node.has(field)
                ? binder.stringMap(node.get(field), maxLength, pointer + "/" + field)
                : Optional.of(Map.of());
    }

    /** The resource without its status. */
    public ObjectNode write(Resource resource) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("apiVersion", API_VERSION);
        node.put("kind", resource.kind());
        node.set("metadata", writeMetadata(resource.metadata()));
        node.set("spec", SpecWriter.write(resource.spec()));
        return node;
    }

    private static ObjectNode writeMetadata(Metadata metadata) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("name", metadata.name());
        writeStrings(node, "labels", metadata.labels());
        writeStrings(node, "annotations", metadata.annotations());
        node.put("uid", metadata.uid());
        node.put("generation", metadata.generation());
        node.put("revision", metadata.revision());
        node.put("createdAt", metadata.createdAt().toString());
        node.put("updatedAt", metadata.updatedAt().toString());
        metadata.deletionRequestedAt()
                .ifPresent(at -> node.put("deletionRequestedAt", at.toString()));
        metadata.owner()
                .ifPresent(owner ->
                        node.putObject("owner")
                                .put("kind", owner.kind())
                                .put("name", owner.name()));
        return node;
    }

    private static void writeStrings(ObjectNode node, String field, Map<String, String> strings) {
        if (!strings.isEmpty()) {
            ObjectNode object = node.putObject(field);
            strings.forEach(object::put);
        }
    }

    /** The text that the store keeps. */
    public String encode(Resource resource) {
        return mapper.writeValueAsString(write(resource));
    }

    /**
     * Reads what the store keeps.
     *
     * @param revision the store's revision of the entry, which replaces the one in the text
     * @throws ResourceException if this version cannot read it
     */
    public Resource decode(String text, long revision) {
        JsonNode node = mapper.readTree(text);
        JsonNode metadata = node.path("metadata");
        String name = metadata.path("name").asString();
        KindHandle<?> kind = storedKind(node.path("kind").asString(), name);
        var binder = new SpecBinder();
        Optional<Spec> spec = bindSpec(kind, node.path("spec"), "", binder);
        if (spec.isEmpty()) {
            String why =
                    binder.violations().stream()
                            .map(each -> each.pointer() + " " + each.message())
                            .collect(Collectors.joining(", "));
            throw unreadable(
                    kind.kind().kind(), name, "in a form that this version cannot read: " + why);
        }
        return new Resource(kind.kind().kind(), readMetadata(metadata, name, revision), spec.get());
    }

    private KindHandle<?> storedKind(String kind, String name) {
        try {
            return kinds.byKind(kind);
        } catch (ResourceException _) {
            throw unreadable(kind, name, "of a kind that this version does not have");
        }
    }

    private static ResourceException unreadable(String kind, String name, String how) {
        return new ResourceException(
                ErrorCode.UNSUPPORTED,
                "the store holds %s/%s %s; start the version that wrote it, or have that delete the resource first"
                        .formatted(kind, name, how));
    }

    private static Metadata readMetadata(JsonNode node, String name, long revision) {
        var binder = new SpecBinder();
        JsonNode deletion = node.path("deletionRequestedAt");
        JsonNode owner = node.path("owner");
        return new Metadata(
                name,
                strings(node, "labels", LABEL_LENGTH, "", binder).orElse(Map.of()),
                strings(node, "annotations", ANNOTATION_LENGTH, "", binder).orElse(Map.of()),
                node.path("uid").asString(),
                node.path("generation").asLong(),
                revision,
                Instant.parse(node.path("createdAt").asString()),
                Instant.parse(node.path("updatedAt").asString()),
                deletion.isString()
                        ? Optional.of(Instant.parse(deletion.stringValue()))
                        : Optional.empty(),
                owner.isObject()
                        ? Optional.of(
                                new Reference(
                                        owner.path("kind").asString(),
                                        owner.path("name").asString()))
                        : Optional.empty());
    }
}
