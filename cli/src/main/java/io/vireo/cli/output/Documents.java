package io.vireo.cli.output;

import java.io.Serial;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MappingIterator;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLFactory;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLParser;
import tools.jackson.dataformat.yaml.YAMLWriteFeature;
import tools.jackson.dataformat.yaml.util.StringQuotingChecker;

/** Resources as JSON or YAML text. */
public final class Documents {
    private static final Pattern LINE = Pattern.compile("in reader, line (\\d{1,9}),");
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    private static final YAMLMapper YAML =
            YAMLMapper.builder(
                            YAMLFactory.builder()
                                    .stringQuotingChecker(new QuoteAllButPlain())
                                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                                    .build())
                    .enable(YAMLWriteFeature.MINIMIZE_QUOTES)
                    .disable(YAMLWriteFeature.WRITE_DOC_START_MARKER)
                    .build();

    /** Leaves only such strings unquoted as no version of YAML takes for anything else. */
    private static final class QuoteAllButPlain extends StringQuotingChecker {
        @Serial private static final long serialVersionUID = 1L;

        private static final Pattern PLAIN = Pattern.compile("[A-Za-z/][A-Za-z0-9./_-]*");

        @Override
        public boolean needToQuoteName(String name) {
            return isReservedKeyword(name) || !PLAIN.matcher(name).matches();
        }

        @Override
        public boolean needToQuoteValue(String value) {
            return needToQuoteName(value);
        }
    }

    private Documents() {}

    /**
     * All resources in a text: one or more YAML documents (JSON is YAML), each a resource or a list
     * of them.
     *
     * @throws IllegalArgumentException with a sentence that says where the text is wrong
     */
    public static List<ObjectNode> read(String text) {
        List<ObjectNode> resources = new ArrayList<>();
        try {
            refuseAliases(text);
            try (MappingIterator<JsonNode> documents =
                    YAML.readerFor(JsonNode.class).readValues(text)) {
                while (documents.hasNextValue()) {
                    collect(documents.nextValue(), resources);
                }
            }
        } catch (JacksonException e) {
            throw new IllegalArgumentException(sentence(e), e);
        }
        return resources;
    }

    /** The parser takes an alias for a string: the name of what it stands for. */
    private static void refuseAliases(String text) {
        try (var parser = (YAMLParser) YAML.createParser(text)) {
            while (parser.nextToken() != null) {
                if (parser.isCurrentAlias()) {
                    throw new IllegalArgumentException(
                            "the alias *%s is not taken, as none is: write out what it stands for (line %d)"
                                    .formatted(
                                            parser.getString(),
                                            parser.currentTokenLocation().getLineNr()));
                }
            }
        }
    }

    /** What the parser says in several lines, with pieces of the text, in one. */
    private static String sentence(JacksonException e) {
        String message = String.valueOf(e.getOriginalMessage());
        String words =
                message.lines()
                        .filter(line -> !line.startsWith(" "))
                        .collect(Collectors.joining(", "));
        OptionalInt marked =
                LINE.matcher(message)
                        .results()
                        .mapToInt(result -> Integer.parseInt(result.group(1)))
                        .reduce((_, last) -> last);
        if (marked.isEmpty() && e.getLocation() == null) {
            return words;
        }
        return words + " (line " + marked.orElseGet(() -> e.getLocation().getLineNr()) + ")";
    }

    private static void collect(JsonNode node, List<ObjectNode> resources) {
        if (node.isNull() || node.isMissingNode()) {
            return;
        }
        if (!(node instanceof ObjectNode object)) {
            throw new IllegalArgumentException(
                    "each document must be a resource with apiVersion, kind, metadata and spec");
        }
        if (object.path("items").isArray()) {
            object.path("items").forEach(item -> collect(item, resources));
        } else {
            resources.add(object);
        }
    }

    /** Indented JSON; several resources become one list. */
    public static String json(List<? extends JsonNode> resources, boolean list) {
        if (!list) {
            return JSON.writeValueAsString(resources.getFirst()) + "\n";
        }
        ObjectNode all = JsonNodeFactory.instance.objectNode();
        all.putArray("items").addAll(resources);
        return JSON.writeValueAsString(all) + "\n";
    }

    /** YAML; several resources become several documents. */
    public static String yaml(List<? extends JsonNode> resources) {
        return String.join("---\n", resources.stream().map(YAML::writeValueAsString).toList());
    }
}
