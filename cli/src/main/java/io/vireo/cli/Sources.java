package io.vireo.cli;

import io.vireo.cli.output.Documents;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
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

    private static final String STANDARD_INPUT = "standard input";

    private Sources() {}

    /**
     * Reads resources. What only the server sets is taken out, so that what 'get -o yaml' printed
     * can be applied at any time.
     *
     * @param names files, directories (their .yaml, .yml and .json files, in order of name), or "-"
     */
    static Declared read(List<String> names) {
        List<ObjectNode> resources = new ArrayList<>();
        List<String> origins = new ArrayList<>();
        for (String name : names) {
            if (name.equals("-")) {
                add(STANDARD_INPUT, standardInput(), resources, origins);
            } else {
                for (Path file : files(Path.of(name))) {
                    add(file.toString(), text(file), resources, origins);
                }
            }
        }
        if (resources.isEmpty()) {
            throw new CliException(
                    ExitCode.USAGE,
                    "there are no resources in "
                            + names.stream()
                                    .map(name -> name.equals("-") ? STANDARD_INPUT : name)
                                    .collect(Collectors.joining(", ")));
        }
        resources.forEach(Sources::clean);
        return new Declared(resources, origins);
    }

    private static void add(
            String name, String text, List<ObjectNode> resources, List<String> origins) {
        for (ObjectNode resource : parse(name, text)) {
            resources.add(resource);
            origins.add(name);
        }
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
        return new CliException(ExitCode.USAGE, "cannot read " + path + ": " + reason(e));
    }

    /** Why a file cannot be read or written. */
    static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "it does not exist";
            case AccessDeniedException _ -> "permission denied";
            case CharacterCodingException _ -> "it is no text in UTF-8";
            default -> String.valueOf(e.getMessage());
        };
    }

    private static String standardInput() {
        try {
            return new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new CliException(ExitCode.USAGE, "cannot read standard input: " + e.getMessage());
        }
    }
}
