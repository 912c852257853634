package io.vireo.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** The kinds that the daemon knows, by any of their names. */
final class KindNames {
    private final List<Kind> kinds = new ArrayList<>();

    /** A kind. */
    record Kind(String kind, String plural, List<String> shortNames, boolean derived) {
        boolean is(String name) {
            String lower = name.toLowerCase(Locale.ROOT);
            return kind.toLowerCase(Locale.ROOT).equals(lower)
                    || plural.equals(lower)
                    || shortNames.stream()
                            .anyMatch(each -> lower.equals(each) || lower.equals(each + "s"));
        }
    }

    /** A resource as {@code -o name} prints it, and {@code get all}: {@code KIND/NAME}. */
    record Named(String kind, String name) {
        Named {
            ApiClient.requireName(name);
        }

        static Named of(String text) {
            int slash = text.indexOf('/');
            if (slash <= 0 || slash == text.length() - 1) {
                throw new CliException(
                        ExitCode.USAGE, "'" + text + "' is no KIND/NAME, like vdisk/data1");
            }
            return new Named(text.substring(0, slash), text.substring(slash + 1));
        }

        /** The name in {@code KIND/NAME}, or in {@code NAME} where there is but one kind. */
        static String in(String text) {
            return text.contains("/") ? of(text).name() : text;
        }
    }

    KindNames(ApiClient client) {
        for (JsonNode node : client.get("/v1").path("items")) {
            List<String> shortNames = new ArrayList<>();
            node.path("shortNames").forEach(name -> shortNames.add(name.asString()));
            kinds.add(
                    new Kind(
                            node.path("kind").asString(),
                            node.path("plural").asString(),
                            shortNames,
                            node.path("derived").asBoolean()));
        }
    }

    /**
     * What is wrong with a kind, if the daemon can tell: whoever misspelled it gets no further by
     * another mistake in the same line.
     *
     * @param name in any of its names, or as {@code KIND/NAME}; empty: none
     */
    static Optional<CliException> wrong(Connection connection, String name) {
        String kind = name.contains("/") ? name.substring(0, name.indexOf('/')) : name;
        if (kind.isEmpty()) {
            return Optional.empty();
        }
        try {
            new KindNames(connection.open()).find(kind);
            return Optional.empty();
        } catch (CliException e) {
            return Optional.of(e).filter(each -> each.exitCode() == ExitCode.NOT_FOUND);
        }
    }

    List<Kind> all() {
        return List.copyOf(kinds);
    }

    Kind find(String name) {
        Optional<Kind> found = kinds.stream().filter(kind -> kind.is(name)).findFirst();
        return found.orElseThrow(() ->
                new CliException(
                        ExitCode.NOT_FOUND,
                        "there is no kind '"
                                + name
                                + "'; "
                                + similar(name)
                                        .map(other -> "did you mean '" + other + "'? Known")
                                        .orElse("known")
                                + " are "
                                + String.join(", ", kinds.stream().map(Kind::plural).toList())));
    }

    private Optional<String> similar(String name) {
        List<String> names = new ArrayList<>();
        for (Kind kind : kinds) {
            names.add(kind.plural());
            names.add(kind.kind().toLowerCase(Locale.ROOT));
            names.addAll(kind.shortNames());
        }
        return Spelling.nearest(name.toLowerCase(Locale.ROOT), names);
    }
}
