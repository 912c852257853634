package io.vireo.cli;

import io.vireo.cli.OutputOption.Form;
import io.vireo.cli.http.HttpResponse;
import io.vireo.cli.output.Documents;
import io.vireo.cli.output.Table;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Shows resources. */
@Command(
        name = "get",
        description = "Show resources of a kind, one of them, or all.",
        footer = {
            "",
            "Examples: vireo get vdisks",
            "          vireo get profile web1 -o yaml",
            "          vireo get all"
        })
final class GetCommand extends Subcommand {
    private static final String ALL = "all";

    @Parameters(
            index = "0",
            paramLabel = "KIND",
            description = "A kind in any of its names, KIND/NAME, or 'all'.")
    String kind = "";

    @Parameters(index = "1", arity = "0..1", paramLabel = "NAME", description = "One resource.")
    @Nullable String name;

    @Mixin private final OutputOption output = new OutputOption();

    @Option(
            names = {"-w", "--watch"},
            description =
                    "Show again whenever something changes, progress included, until interrupted.")
    boolean watch;

    @Override
    String kind() {
        return kind.equals(ALL) ? "" : kind;
    }

    @Override
    public Integer call() {
        if (name == null && kind.contains("/")) {
            var named = KindNames.Named.of(kind);
            kind = named.kind();
            name = named.name();
        } else if (name != null) {
            ApiClient.requireName(name);
        }
        ApiClient client = connection.open();
        var kinds = new KindNames(client);
        List<KindNames.Kind> chosen = kind.equals(ALL) ? kinds.all() : List.of(kinds.find(kind));
        if (!watch) {
            show(chosen, answers(client, chosen));
            return ExitCode.OK;
        }
        String filter = chosen.size() == 1 ? "?kind=" + chosen.getFirst().kind() : "";
        try (HttpResponse events = client.stream("/v1/events" + filter, Map.of())) {
            List<JsonNode> shown = answers(client, chosen);
            show(chosen, shown);
            var again = new Watch(events.body());
            while (!isUnheard() && again.again()) {
                List<JsonNode> now = answers(client, chosen);
                if (!chosenOf(now).equals(chosenOf(shown))) {
                    print("\n");
                    show(chosen, now);
                    shown = now;
                }
            }
        } catch (IOException e) {
            throw ApiClient.failed(e);
        }
        return ExitCode.OK;
    }

    /** What the daemon says: a table for each kind, or the resources. */
    private List<JsonNode> answers(ApiClient client, List<KindNames.Kind> chosen) {
        return switch (output.form) {
            case TABLE, WIDE ->
                    chosen.stream()
                            .map(each -> client.get("/v1/" + each.plural() + "?view=table"))
                            .toList();
            case JSON, YAML, NAME -> resources(client, chosen);
        };
    }

    /** What is shown of the answers: tables have rows of all names. */
    private List<JsonNode> chosenOf(List<JsonNode> answers) {
        if (name == null || (output.form != Form.TABLE && output.form != Form.WIDE)) {
            return answers;
        }
        List<JsonNode> rows = new ArrayList<>();
        for (JsonNode answer : answers) {
            for (JsonNode row : answer.path("rows")) {
                if (name.equals(row.path("name").asString())) {
                    rows.add(row);
                }
            }
        }
        return rows;
    }

    private void show(List<KindNames.Kind> chosen, List<JsonNode> answers) {
        switch (output.form) {
            case TABLE, WIDE -> tables(chosen, answers);
            case JSON -> print(Documents.json(answers, name == null));
            case YAML -> print(Documents.yaml(answers));
            case NAME -> answers.forEach(each -> print(title(each) + "\n"));
        }
    }

    private static String title(JsonNode resource) {
        return resource.path("kind").asString()
                + "/"
                + resource.path("metadata").path("name").asString();
    }

    private List<JsonNode> resources(ApiClient client, List<KindNames.Kind> chosen) {
        List<JsonNode> resources = new ArrayList<>();
        for (KindNames.Kind each : chosen) {
            if (name != null) {
                resources.add(client.get(ApiClient.path(each.plural(), name)));
            } else if (!each.derived() || chosen.size() == 1) {
                // Derived ones come back by themselves; leaving them out lets the list be applied
                // again.
                for (JsonNode found : client.get("/v1/" + each.plural()).path("items")) {
                    if (chosen.size() == 1
                            || found.path("metadata").path("owner").isMissingNode()) {
                        resources.add(found);
                    }
                }
            }
        }
        return resources;
    }

    private void tables(List<KindNames.Kind> chosen, List<JsonNode> answers) {
        boolean first = true;
        for (int i = 0; i < chosen.size(); i++) {
            String prefix = chosen.size() > 1 ? chosen.get(i).plural() + "/" : "";
            Table table = table(answers.get(i), prefix);
            if (!table.isEmpty()) {
                print((first ? "" : "\n") + table);
                first = false;
            }
        }
        if (first && name != null) {
            throw new CliException(
                    ExitCode.NOT_FOUND,
                    "there is no %s '%s'; 'vireo get %s' lists those that there are"
                            .formatted(kind, name, kind));
        }
        if (first) {
            print("there are no resources\n");
        }
    }

    private Table table(JsonNode answer, String prefix) {
        List<JsonNode> rows =
                answer.path("rows").values().stream()
                        .filter(row -> name == null || name.equals(row.path("name").asString()))
                        .toList();
        List<String> headings = new ArrayList<>(List.of("NAME"));
        List<Integer> shown = new ArrayList<>();
        JsonNode columns = answer.path("columns");
        for (int i = 0; i < columns.size(); i++) {
            if (output.form == Form.WIDE || isOfUse(columns.path(i), i, rows)) {
                shown.add(i);
                headings.add(columns.path(i).path("name").asString());
            }
        }
        headings.addAll(List.of("READY", "AGE", "MESSAGE"));
        var table = new Table(headings);
        for (JsonNode row : rows) {
            List<String> cells = new ArrayList<>(List.of(prefix + row.path("name").asString()));
            shown.forEach(i -> cells.add(row.path("cells").path(i).asString()));
            cells.add(row.path("ready").asBoolean() ? "yes" : "no");
            cells.add(age(row.path("createdAt").asString()));
            cells.add(row.path("message").asString());
            table.add(cells);
        }
        return table;
    }

    /** Whether a column that no row has anything in would only make the table wider. */
    private static boolean isOfUse(JsonNode column, int index, List<JsonNode> rows) {
        return !column.path("wide").asBoolean()
                && rows.stream()
                        .map(row -> row.path("cells").path(index).asString())
                        .anyMatch(cell -> !cell.isEmpty() && !cell.equals("-"));
    }

    /** How long ago, in its largest unit. */
    static String age(String since) {
        Duration age = Duration.between(Instant.parse(since), Instant.now());
        if (age.toDays() > 0) {
            return age.toDays() + "d";
        }
        if (age.toHours() > 0) {
            return age.toHours() + "h";
        }
        return age.toMinutes() > 0 ? age.toMinutes() + "m" : Math.max(0, age.toSeconds()) + "s";
    }
}
