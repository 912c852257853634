package io.vireo.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** Deletes resources. */
@Command(
        name = "delete",
        description =
                "Stop and delete resources, all of those given or none; a vDisk's data goes with it.",
        footer = {"", "Examples: vireo delete vdisk data1", "          vireo delete -f examples/"})
final class DeleteCommand extends Subcommand {
    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "KIND",
            description = "A kind in any of its names, or KIND/NAME for each resource.")
    @Nullable String kind;

    @Parameters(index = "1..*", arity = "0..*", paramLabel = "NAME", description = "The resources.")
    List<String> names = new ArrayList<>();

    @Option(
            names = {"-f", "--file"},
            paramLabel = "FILE",
            description =
                    "Delete what these files declare: file, directory, or - for standard input; may be repeated.")
    List<String> files = new ArrayList<>();

    @Option(
            names = "--wait",
            arity = "1",
            defaultValue = "30",
            paramLabel = "SECONDS",
            description = "How long to wait until they are gone; 0: not at all. Default: 30.")
    int wait;

    @Override
    String kind() {
        return kind == null ? "" : kind;
    }

    @Override
    public Integer call() {
        List<KindNames.Named> named = named();
        List<JsonNode> targets = new ArrayList<>();
        if (!files.isEmpty()) {
            Sources.read(files)
                    .resources()
                    .forEach(each ->
                            targets.add(
                                    target(
                                            each.path("kind").asString(),
                                            each.path("metadata").path("name").asString())));
        }
        ApiClient client = connection.open();
        var kinds = new KindNames(client);
        named.forEach(each -> targets.add(target(kinds.find(each.kind()).kind(), each.name())));
        client.post("/v1/delete", targets);
        if (wait > 0) {
            Waiting.until(wait, err(), () -> remaining(client, kinds, targets));
        }
        targets.forEach(each ->
                print(
                        ApplyCommand.title(each)
                                + (wait > 0 ? " deleted\n" : " is being deleted\n")));
        return ExitCode.OK;
    }

    /** What the command line names. */
    private List<KindNames.Named> named() {
        String first = kind();
        if (first.isEmpty() && files.isEmpty()) {
            throw new CliException(
                    ExitCode.USAGE, "say what to delete: KIND NAME, KIND/NAME, or -f FILE");
        }
        if (first.isEmpty()) {
            return List.of();
        }
        if (first.contains("/")) {
            return Stream.concat(Stream.of(first), names.stream())
                    .map(KindNames.Named::of)
                    .toList();
        }
        if (names.isEmpty()) {
            throw KindNames.wrong(connection, first).orElseGet(() -> unnamed("delete", first));
        }
        return names.stream().map(name -> new KindNames.Named(first, name)).toList();
    }

    private static JsonNode target(String kind, String name) {
        return JsonNodeFactory.instance
                .objectNode()
                .setAll(
                        Map.of(
                                "kind", JsonNodeFactory.instance.stringNode(kind),
                                "name", JsonNodeFactory.instance.stringNode(name)));
    }

    private static String remaining(ApiClient client, KindNames kinds, List<JsonNode> targets) {
        for (JsonNode target : targets) {
            String plural = kinds.find(target.path("kind").asString()).plural();
            try {
                JsonNode left = client.get(ApiClient.path(plural, target.path("name").asString()));
                String why =
                        left.path("status").path("conditions").path(0).path("message").asString();
                return ApplyCommand.title(target) + " is still there: " + why;
            } catch (CliException e) {
                if (e.exitCode() != ExitCode.NOT_FOUND) {
                    throw e;
                }
            }
        }
        return "";
    }
}
