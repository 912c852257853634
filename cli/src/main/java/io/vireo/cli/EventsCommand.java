package io.vireo.cli;

import io.vireo.cli.http.EventReader;
import io.vireo.cli.http.EventReader.ServerEvent;
import io.vireo.cli.http.HttpResponse;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Shows what happens. */
@Command(
        name = "events",
        description = "Show what happened lately; with -f, go on with what happens.")
final class EventsCommand extends Subcommand {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    @Option(
            names = {"-f", "--follow"},
            description = "Go on until interrupted, over restarts of the daemon too.")
    boolean follow;

    @Option(names = "--kind", paramLabel = "KIND", description = "Only of this kind.")
    @Nullable String kind;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "Only of resources with this name.")
    @Nullable String name;

    private String last = "";

    @Override
    public Integer call() {
        ApiClient client = connection.open();
        String path =
                new Query()
                        .with("replay", "true")
                        .with("kind", kind == null ? null : new KindNames(client).find(kind).kind())
                        .with("name", name)
                        .with("until", follow ? null : "now")
                        .behind("/v1/events");
        read(client, path);
        while (follow && !isUnheard()) {
            Waiting.until(Waiting.FOR_EVER, err(), () -> unreachable(client));
            read(client, path);
        }
        return ExitCode.OK;
    }

    private static String unreachable(ApiClient client) {
        try {
            client.get("/v1");
            return "";
        } catch (CliException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private void read(ApiClient client, String path) {
        Map<String, String> headers = last.isEmpty() ? Map.of() : Map.of("Last-Event-ID", last);
        try (HttpResponse response = client.stream(path, headers)) {
            var reader = new EventReader(response.body());
            for (Optional<ServerEvent> event = reader.next();
                    event.isPresent() && !isUnheard();
                    event = reader.next()) {
                last = event.get().id();
                show(event.get());
            }
        } catch (IOException e) {
            if (!follow) {
                throw ApiClient.failed(e);
            }
        }
    }

    private void show(ServerEvent event) {
        if (event.type().equals("RESET")) {
            print("(the daemon was restarted, or some events were missed)\n");
            return;
        }
        JsonNode data = MAPPER.readTree(event.data());
        String line =
                String.format(
                        Locale.ROOT,
                        "%s  %-8s  %s  %s  %s",
                        data.path("time").asString(),
                        data.path("type").asString(),
                        ApplyCommand.title(data),
                        data.path("reason").asString(),
                        data.path("message").asString());
        print(line.stripTrailing() + "\n");
    }
}
