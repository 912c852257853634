package io.vireo.cli;

import io.vireo.cli.output.Documents;
import io.vireo.cli.output.Table;
import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Shows all that is known of one resource. */
@Command(name = "describe", description = "Show all that is known of one resource.")
final class DescribeCommand extends Subcommand {
    private static final String UNITS = " KMGTP";

    @Parameters(
            index = "0",
            paramLabel = "KIND",
            description = "A kind in any of its names, or KIND/NAME.")
    String kind = "";

    @Parameters(index = "1", arity = "0..1", paramLabel = "NAME", description = "The resource.")
    @Nullable String name;

    @Override
    String kind() {
        return kind;
    }

    @Override
    public Integer call() {
        KindNames.Named named = named("describe", kind, name);
        ApiClient client = connection.open();
        KindNames.Kind found = new KindNames(client).find(named.kind());
        JsonNode resource = client.get(ApiClient.path(found.plural(), named.name()));
        JsonNode status = resource.path("status");
        StringBuilder text = new StringBuilder();
        text.append(found.kind()).append(' ').append(named.name()).append("\n\nMetadata\n");
        text.append(indented(Documents.yaml(List.of(resource.path("metadata")))));
        text.append("\nSpec\n").append(indented(Documents.yaml(List.of(resource.path("spec")))));
        text.append("\nConditions\n").append(indented(conditions(status.path("conditions"))));
        text.append(section("Attributes", status.path("attributes")));
        text.append(section("Metrics", status.path("metrics")));
        print(text.toString());
        return ExitCode.OK;
    }

    private static String conditions(JsonNode conditions) {
        var table = new Table(List.of("TYPE", "STATUS", "REASON", "MESSAGE"));
        for (JsonNode condition : conditions) {
            table.add(
                    List.of(
                            condition.path("type").asString(),
                            condition.path("status").asString(),
                            condition.path("reason").asString(),
                            condition.path("message").asString()));
        }
        return table.toString();
    }

    private static String section(String heading, JsonNode properties) {
        if (properties.isEmpty()) {
            return "";
        }
        var table = new Table(List.of("NAME", "VALUE"));
        properties
                .properties()
                .forEach(each ->
                        table.add(List.of(each.getKey(), value(each.getKey(), each.getValue()))));
        return "\n" + heading + "\n" + indented(table.toString());
    }

    private static String value(String name, JsonNode node) {
        String text =
                node.isNumber()
                        ? new BigDecimal(node.asString()).stripTrailingZeros().toPlainString()
                        : node.asString();
        boolean bytes = name.endsWith("Bytes") || name.endsWith("_bytes");
        return bytes && text.matches("[0-9]{4,18}")
                ? text + " (" + size(Long.parseLong(text)) + ")"
                : text;
    }

    /** A number of bytes as people read it, {@code 12.5Gi}. */
    static String size(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < UNITS.length() - 1) {
            value /= 1024;
            unit++;
        }
        String number =
                String.format(
                        Locale.ROOT,
                        value == Math.rint(value) || value >= 100 ? "%.0f" : "%.1f",
                        value);
        return unit == 0 ? number : number + UNITS.charAt(unit) + "i";
    }

    private static String indented(String text) {
        return text.indent(2);
    }
}
