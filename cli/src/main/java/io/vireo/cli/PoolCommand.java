package io.vireo.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What is done with pools beside declaring them. */
@Command(
        name = "pool",
        description = "Check pools, and take pools of other hosts over.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        subcommands = {PoolCommand.CheckCommand.class, PoolCommand.ImportCommand.class})
final class PoolCommand {
    /** Stands for the check of disks in the help; the launcher starts the check itself. */
    @Command(name = "check", description = "Check a pool that no daemon has open.")
    static final class CheckCommand implements Callable<Integer> {
        @Parameters(paramLabel = "DISK", arity = "0..*", description = "All disks of the pool.")
        String @Nullable [] ignored;

        @Override
        public Integer call() {
            throw new CliException(
                    ExitCode.FAILED,
                    "the check is not part of this installation; run it on the vireo server");
        }
    }

    /** Declares a pool that is on disks, and all that is in it. */
    @Command(
            name = "import",
            description = {
                "Take over the pool that is on disks, with its vDisks and snapshots.",
                "The daemon that had it is stopped, or has had it deleted from its store."
            },
            footer = {
                "",
                "Example: vireo pool import fast /dev/disk/by-id/nvme-eui.0025388b01234567"
            })
    static final class ImportCommand extends Subcommand {
        @Parameters(index = "0", paramLabel = "NAME", description = "Name that the pool gets.")
        String name = "";

        @Parameters(
                index = "1..*",
                arity = "1..*",
                paramLabel = "DISK",
                description =
                        "All disks of the pool, in any order: absolute paths on the daemon's host.")
        List<Path> disks = List.of();

        @Option(
                names = "--copies",
                defaultValue = "1",
                paramLabel = "NUMBER",
                description = "On how many disks the pool keeps everything (${DEFAULT-VALUE}).")
        int copies;

        @Option(
                names = "--key-secret",
                defaultValue = "",
                paramLabel = "NAME",
                description =
                        "Name of the secret that holds the pool's master key, if vDisks of it are encrypted.")
        String keySecret = "";

        @Option(
                names = "--wait",
                defaultValue = "60",
                paramLabel = "SECONDS",
                description =
                        "How long to wait until the pool is open, seconds (${DEFAULT-VALUE}).")
        int wait;

        @Override
        public Integer call() {
            ApiClient client = connection.open();
            client.post("/v1/apply", List.of(pool()));
            String path = ApiClient.path("pools", name);
            awaitReady(client, path);
            JsonNode contents = client.get(path + "/contents");
            List<JsonNode> items = List.copyOf(contents.path("items").values());
            if (!items.isEmpty()) {
                client.post("/v1/apply", items);
            }
            print("Pool/" + name + " imported\n");
            items.forEach(item -> print(title(item) + " imported\n"));
            contents.path("left")
                    .values()
                    .forEach(each -> err().println("left: " + each.asString()));
            err().flush();
            return ExitCode.OK;
        }

        private void awaitReady(ApiClient client, String path) {
            try {
                Waiting.until(wait, err(), () -> notReady(client.get(path)));
            } catch (CliException e) {
                if (e.exitCode() != ExitCode.TIMED_OUT && e.exitCode() != ExitCode.FAILED) {
                    throw e;
                }
                throw new CliException(
                        e.exitCode(),
                        "%s. Mend it and run this again, or give it up: vireo delete pool %s"
                                .formatted(e.getMessage(), name));
            }
        }

        private ObjectNode pool() {
            ObjectNode pool = JsonNodeFactory.instance.objectNode();
            pool.put("apiVersion", "vireo/v1").put("kind", "Pool");
            pool.putObject("metadata").put("name", name);
            ObjectNode spec = pool.putObject("spec").put("type", "disks");
            if (!keySecret.isEmpty()) {
                spec.putObject("encryption").put("keySecret", keySecret);
            }
            ObjectNode on = spec.putObject("disks").put("adopt", true).put("copies", copies);
            var members = on.putArray("members");
            disks.forEach(disk -> members.addObject().put("path", disk.toString()));
            return pool;
        }

        private static String notReady(JsonNode pool) {
            JsonNode ready = pool.path("status").path("conditions").path(0);
            String why = "the pool is not open: " + ready.path("message").asString();
            if (pool.path("status").path("stalled").asBoolean()) {
                throw new CliException(ExitCode.FAILED, why);
            }
            return ready.path("status").asString().equals("True") ? "" : why;
        }

        private static String title(JsonNode resource) {
            return resource.path("kind").asString()
                    + "/"
                    + resource.path("metadata").path("name").asString();
        }
    }
}
