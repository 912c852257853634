package io.vireo.cli;

import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** Declares resources. */
@Command(
        name = "apply",
        description = "Create or change resources, all of those given or none.",
        footer = {"", "Example: vireo apply -f examples/ --wait"})
final class ApplyCommand extends Subcommand {
    @Mixin private final SourceOptions sources = new SourceOptions();

    @Option(
            names = "--wait",
            arity = "0..1",
            fallbackValue = "30",
            defaultValue = "0",
            paramLabel = "SECONDS",
            description = "Wait until they are ready; 30 s if no number is given.")
    int wait;

    @Override
    public Integer call() {
        Declared resources = Sources.read(sources.files);
        ApiClient client = connection.open();
        List<JsonNode> results =
                List.copyOf(client.post("/v1/apply", resources).path("items").values());
        for (JsonNode result : results) {
            print(
                    title(result)
                            + " "
                            + result.path("outcome").asString().toLowerCase(Locale.ROOT)
                            + "\n");
        }
        if (wait > 0) {
            var kinds = new KindNames(client);
            Waiting.until(wait, err(), () -> notReady(client, kinds, results));
        }
        return ExitCode.OK;
    }

    static String title(JsonNode reference) {
        return reference.path("kind").asString() + "/" + reference.path("name").asString();
    }

    private static String notReady(ApiClient client, KindNames kinds, List<JsonNode> results) {
        for (JsonNode result : results) {
            String plural = kinds.find(result.path("kind").asString()).plural();
            JsonNode status =
                    client.get(ApiClient.path(plural, result.path("name").asString()))
                            .path("status");
            JsonNode ready = status.path("conditions").path(0);
            boolean current =
                    status.path("observedGeneration").asLong()
                            >= result.path("generation").asLong();
            if (!current || !ready.path("status").asString().equals("True")) {
                return title(result) + " is not ready: " + ready.path("message").asString();
            }
        }
        return "";
    }
}
