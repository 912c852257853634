package io.vireo.cli;

import io.vireo.cli.output.Documents;
import io.vireo.cli.output.Table;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.JsonNode;

/** Tells what applying would do. */
@Command(
        name = "plan",
        description =
                "Tell what applying resources would do, in order, and which fields change; changes nothing.",
        footer = {
            "",
            "EFFECT is 'live' where those who use a resource notice nothing but the change itself,",
            "and 'restart' where they are cut off and have to connect again."
        })
final class PlanCommand extends Subcommand {
    @Mixin private final SourceOptions sources = new SourceOptions();

    @Mixin private final OutputOption output = new OutputOption();

    @Override
    public Integer call() {
        JsonNode plan = connection.open().post("/v1/plan", Sources.read(sources.files));
        print(
                switch (output.form) {
                    case TABLE, WIDE -> table(plan.path("actions"));
                    case JSON -> Documents.json(List.of(plan), false);
                    case YAML -> Documents.yaml(List.of(plan));
                    case NAME -> names(plan.path("actions"));
                });
        return ExitCode.OK;
    }

    private static String table(JsonNode actions) {
        var table = new Table(List.of("ACTION", "RESOURCE", "EFFECT", "REASON"));
        for (JsonNode action : actions) {
            table.add(
                    List.of(
                            lower(action.path("verb")),
                            ApplyCommand.title(action),
                            lower(action.path("effect")),
                            action.path("reason").asString()),
                    action.path("changes").values().stream().map(PlanCommand::change).toList());
        }
        return table.isEmpty() ? "nothing to do\n" : table.toString();
    }

    /** What would change, each once. */
    private static String names(JsonNode actions) {
        return actions.values().stream()
                .map(action -> ApplyCommand.title(action) + "\n")
                .distinct()
                .collect(Collectors.joining());
    }

    private static String lower(JsonNode constant) {
        return constant.asString().toLowerCase(Locale.ROOT);
    }

    private static String change(JsonNode change) {
        return change.path("field").asString()
                + ": "
                + value(change.path("before"))
                + " -> "
                + value(change.path("after"));
    }

    private static String value(JsonNode value) {
        if (value.isMissingNode()) {
            return "(none)";
        }
        return value.isString() ? value.asString() : value.toString();
    }
}
