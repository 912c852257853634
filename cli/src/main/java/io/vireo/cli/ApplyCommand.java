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
            description =
                    "Wait until they are ready, or one has failed for good; 30 s if no number is given.")
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

    /** What is still to come about; the first that never will by itself ends it. */
    private static String notReady(ApiClient client, KindNames kinds, List<JsonNode> results) {
        String first = "";
        for (JsonNode result : results) {
            String plural = kinds.find(result.path("kind").asString()).plural();
            JsonNode status =
                    client.get(ApiClient.path(plural, result.path("name").asString()))
                            .path("status");
            JsonNode ready = status.path("conditions").path(0);
            String message = ready.path("message").asString();
            if (status.path("stalled").asBoolean()) {
                throw new CliException(
                        ExitCode.FAILED,
                        "%s has failed and is not tried again by itself: %s. Apply it again when that is mended"
                                .formatted(title(result), message));
            }
            boolean current =
                    status.path("observedGeneration").asLong()
                            >= result.path("generation").asLong();
            if (first.isEmpty() && (!current || !ready.path("status").asString().equals("True"))) {
                first = title(result) + " is not ready: " + message;
            }
        }
        return first;
    }
}
