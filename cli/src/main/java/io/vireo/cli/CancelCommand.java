package io.vireo.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Ends a job that takes long, by taking back what declares it: the specification is changed, or the
 * resource deleted that is nothing but the job.
 */
@Command(
        name = "cancel",
        description =
                "End a job that takes long: what JOB shows in 'vireo get'. What declares it is taken back.",
        footer = {
            "",
            "Examples: vireo cancel vdisk data1",
            "          vireo cancel pool main scrub",
            "          vireo cancel export nightly"
        })
final class CancelCommand extends Subcommand {
    private static final String CANCEL = "cancel";

    @Parameters(
            index = "0",
            paramLabel = "KIND",
            description = "A kind in any of its names, or KIND/NAME.")
    String kind = "";

    @Parameters(index = "1", arity = "0..1", paramLabel = "NAME", description = "The resource.")
    String name = "";

    @Parameters(
            index = "2",
            arity = "0..1",
            paramLabel = "JOB",
            description = "Which one, if it has several: drain, scrub, move, import or export.")
    @Nullable String job;

    @Override
    String kind() {
        return kind;
    }

    @Override
    public Integer call() {
        if (job == null && kind.contains("/") && !name.isEmpty()) {
            job = name;
            name = "";
        }
        KindNames.Named named = named("cancel", kind, name.isEmpty() ? null : name);
        kind = named.kind();
        name = named.name();
        ApiClient client = connection.open();
        KindNames.Kind found = new KindNames(client).find(kind);
        JsonNode resource = client.get(ApiClient.path(found.plural(), name));
        JsonNode attributes = resource.path("status").path("attributes");
        String title = found.kind() + "/" + name;
        String chosen = chosen(title, attributes.path("job").asString(""));
        switch (chosen) {
            case "import", "export" -> delete(client, found.kind(), title, chosen, attributes);
            case "move", "drain", "scrub" ->
                    change(client, (ObjectNode) resource.deepCopy(), title, chosen, attributes);
            case "open" -> throw refused("the opening of a pool cannot; delete the pool to end it");
            case "resync" -> throw refused("a resync cannot: spec.disks.resyncRate slows it down");
            case "reclaim" ->
                    throw refused(
                            "a reclaim cannot: what is deleted is gone, and only its room comes back");
            default -> throw refused("there is no job '%s'".formatted(chosen));
        }
        return ExitCode.OK;
    }

    private static CliException refused(String why) {
        return new CliException(ExitCode.FAILED, "it cannot be cancelled: " + why);
    }

    private String chosen(String title, String running) {
        if (job != null) {
            return job.toLowerCase(Locale.ROOT);
        }
        List<String> jobs = running.isEmpty() ? List.of() : Arrays.asList(running.split(","));
        List<String> foreground = jobs.stream().filter(each -> !each.equals("reclaim")).toList();
        if (foreground.size() > 1) {
            throw new CliException(
                    ExitCode.USAGE,
                    "%s has several jobs: say which, %s"
                            .formatted(title, String.join(" or ", foreground)));
        }
        return (foreground.isEmpty() ? jobs : foreground)
                .stream()
                        .findFirst()
                        .orElseThrow(() ->
                                new CliException(ExitCode.FAILED, title + " has no job that runs"));
    }

    /** What is nothing but the job goes with it. */
    private void delete(
            ApiClient client, String of, String title, String chosen, JsonNode attributes) {
        if (!attributes.path("job").asString("").equals(chosen)) {
            throw new CliException(ExitCode.FAILED, "%s has no %s".formatted(title, chosen));
        }
        JsonNode target =
                JsonNodeFactory.instance
                        .objectNode()
                        .setAll(
                                Map.of(
                                        "kind", JsonNodeFactory.instance.stringNode(of),
                                        "name", JsonNodeFactory.instance.stringNode(name)));
        client.post("/v1/delete", List.of(target));
        print("%s is being deleted, and its %s with it\n".formatted(title, chosen));
    }

    private void change(
            ApiClient client,
            ObjectNode resource,
            String title,
            String chosen,
            JsonNode attributes) {
        ObjectNode spec = (ObjectNode) resource.path("spec");
        List<String> changes =
                switch (chosen) {
                    case "move" -> stay(spec, attributes);
                    case "drain" -> keepDisks(spec, attributes);
                    default -> endScrub(spec, attributes);
                };
        if (changes.isEmpty()) {
            throw new CliException(ExitCode.FAILED, "%s has no %s".formatted(title, chosen));
        }
        resource.remove("status");
        client.post("/v1/apply", List.of(resource));
        print(
                "%s: %s cancelled by %s; change it in your files too\n"
                        .formatted(title, chosen, String.join(", ", changes)));
    }

    /** A vDisk is to be where it is. */
    private static List<String> stay(ObjectNode spec, JsonNode attributes) {
        var changes = new ArrayList<String>();
        for (String field : List.of("pool", "allocation")) {
            String now = attributes.path(field).asString("");
            if (!now.isEmpty() && !now.equals(spec.path(field).asString())) {
                spec.put(field, now);
                changes.add("spec." + field + " = " + now);
            }
        }
        return changes;
    }

    /** Disks that are not empty yet stay in use. */
    private static List<String> keepDisks(ObjectNode spec, JsonNode attributes) {
        var changes = new ArrayList<String>();
        List<String> draining = Arrays.asList(attributes.path("draining").asString("").split(", "));
        for (JsonNode member : spec.path("disks").path("members")) {
            String path = member.path("path").asString();
            if (member.path("drain").asBoolean() && draining.contains(path)) {
                ((ObjectNode) member).put("drain", false);
                changes.add("drain = false of " + path);
            }
        }
        return changes;
    }

    private static List<String> endScrub(ObjectNode spec, JsonNode attributes) {
        if (!(spec.path("disks").path("scrub") instanceof ObjectNode scrub)
                || !Arrays.asList(attributes.path("job").asString("").split(","))
                        .contains("scrub")) {
            return List.of();
        }
        if (scrub.has("request")) {
            scrub.remove("request");
            return List.of("taking spec.disks.scrub.request out");
        }
        scrub.put("request", CANCEL);
        return List.of("spec.disks.scrub.request = " + CANCEL);
    }
}
