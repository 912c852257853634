package io.vireo.cli;

import io.vireo.cli.output.Table;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.JsonNode;

/** Tells what applying would do. */
@Command(
        name = "plan",
        description = "Tell what applying resources would do, in order; changes nothing.")
final class PlanCommand extends Subcommand {
    @Mixin private final SourceOptions sources = new SourceOptions();

    @Override
    public Integer call() {
        var table = new Table(List.of("ACTION", "RESOURCE", "REASON"));
        for (JsonNode action :
                connection.open().post("/v1/plan", Sources.read(sources.files)).path("actions")) {
            table.add(
                    List.of(
                            action.path("verb").asString().toLowerCase(Locale.ROOT),
                            ApplyCommand.title(action),
                            action.path("reason").asString()));
        }
        print(table.isEmpty() ? "nothing to do\n" : table.toString());
        return ExitCode.OK;
    }
}
