package io.vireo.cli;

import io.vireo.cli.output.Documents;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/** Resources from files, directories and standard input. */
final class Sources {
    private static final List<String> ENDINGS = List.of(".yaml", ".yml", ".json");
    private static final List<String> SET_BY_SERVER =
            List.of(
                    "uid",
                    "generation",
                    "revision",
                    "createdAt",
                    "updatedAt",
                    "deletionRequestedAt");

    private Sources() {}

    /**
     * Reads resources. What only the server sets is taken out, so that what 'get -o yaml' printed
     * can be applied at any time.
     *
     * @param names files, directories (their .yaml, .yml and .json files, in order of name), or "-"
     */
    static List<ObjectNode> read(List<String> names) {
        List<ObjectNode> resources = new ArrayList<>();
        for (String name : names) {
            if (name.equals("-")) {
                resources.addAll(parse(name, standardInput()));
            } else {
                for (Path file : files(Path.of(name))) {
                    resources.addAll(parse(file.toString(), text(file)));
                }
            }
        }
        if (resources.isEmpty()) {
            throw new CliException(
                    ExitCode.USAGE, "there are no resources in " + String.join(", ", names));
        }
        resources.forEach(Sources::clean);
        return resources;
    }

    private static void clean(ObjectNode resource) {
        resource.remove("status");
        if (resource.path("metadata") instanceof ObjectNode metadata) {
            metadata.remove(SET_BY_SERVER);
        }
    }

    private static List<ObjectNode> parse(String name, String text) {
        try {
            return Documents.read(text);
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.USAGE, name + ": " + e.getMessage());
        }
    }

    private static List<Path> files(Path path) {
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        try (Stream<Path> entries = Files.list(path)) {
            return entries.filter(Files::isRegularFile)
                    .filter(Sources::hasKnownEnding)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    private static boolean hasKnownEnding(Path file) {
        return ENDINGS.stream().anyMatch(ending -> file.toString().endsWith(ending));
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static CliException unreadable(Path path, IOException e) {
        String why = Files.exists(path) ? e.getClass().getSimpleName() : "it does not exist";
        return new CliException(ExitCode.USAGE, "cannot read " + path + ": " + why);
    }

    private static String standardInput() {
        try {
            return new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new CliException(ExitCode.USAGE, "cannot read standard input: " + e.getMessage());
        }
    }
}
