package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The documents of the repository: no link is broken, README.md leads to each of them, and what
 * they name is there.
 */
class DocumentsTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final String PACKAGE_INFO = "/package-info.java";
    private static final Pattern CODE = Pattern.compile("(?ms)^```.*?^```");
    private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");
    private static final Pattern LINK = Pattern.compile("\\[[^\\]]*\\]\\(([^)\\s]+)\\)");
    private static final Pattern PACKAGES =
            Pattern.compile("`(io\\.vireo\\.[a-z0-9.]*?)(?:\\{([^}]*)\\})?`");
    private static final Pattern TESTS =
            Pattern.compile("`(?:[a-z]+\\.)*([A-Z]\\w*(?:Test|IT|Contract|Probe))`");

    private static final Map<Path, String> DOCUMENTS = new TreeMap<>();

    /** A link of a document, to a place in the repository. */
    private record Link(Path from, String text) {
        Path file() {
            String path = text.replaceFirst("#.*", "");
            return path.isEmpty() ? from : from.resolveSibling(path).normalize();
        }

        /** The document that is shown at the file's place. */
        Path document() {
            return Files.isDirectory(file()) ? file().resolve("README.md") : file();
        }

        String anchor() {
            return text.contains("#") ? text.replaceFirst("[^#]*#", "") : "";
        }

        @Override
        public String toString() {
            return ROOT.relativize(from) + ": " + text;
        }
    }

    @BeforeAll
    static void read() throws IOException {
        for (String folder : List.of("", "docs", "docs/decisions")) {
            try (Stream<Path> files = Files.list(ROOT.resolve(folder))) {
                for (Path file : files.filter(name -> name.toString().endsWith(".md")).toList()) {
                    DOCUMENTS.put(
                            file.normalize(), CODE.matcher(Files.readString(file)).replaceAll(""));
                }
            }
        }
    }

    private static List<Link> links(Path document) {
        return LINK.matcher(DOCUMENTS.getOrDefault(document, ""))
                .results()
                .map(match -> match.group(1))
                .filter(text -> URI.create(text).getScheme() == null)
                .map(text -> new Link(document, text))
                .toList();
    }

    /** What GitHub makes of the headings of a document. */
    private static Set<String> anchors(Path document) {
        Set<String> anchors = new HashSet<>();
        HEADING.matcher(DOCUMENTS.getOrDefault(document, ""))
                .results()
                .map(match -> match.group(1))
                .map(heading -> heading.replaceAll("\\[([^\\]]*)\\]\\([^)]*\\)", "$1"))
                .map(heading -> heading.toLowerCase(Locale.ROOT).strip())
                .map(heading -> heading.replaceAll("[^\\p{L}\\p{N}_ -]", "").replace(' ', '-'))
                .forEach(heading -> {
                    String anchor = heading;
                    for (int again = 1; !anchors.add(anchor); again++) {
                        anchor = heading + "-" + again;
                    }
                });
        return anchors;
    }

    @Test
    void noLinkIsBroken() {
        List<Link> broken = new ArrayList<>();
        int seen = 0;
        for (Path document : DOCUMENTS.keySet()) {
            for (Link link : links(document)) {
                seen++;
                boolean there = Files.exists(link.file());
                if (!there
                        || !link.anchor().isEmpty()
                                && !anchors(link.file()).contains(link.anchor())) {
                    broken.add(link);
                }
            }
        }
        assertThat(broken).isEmpty();
        assertThat(seen).isGreaterThan(DOCUMENTS.size());
    }

    @Test
    void everyDocumentIsReached() {
        Set<Path> reached = new TreeSet<>();
        var next = new ArrayDeque<Path>(List.of(ROOT.resolve("README.md")));
        while (!next.isEmpty()) {
            Path document = next.remove();
            if (DOCUMENTS.containsKey(document) && reached.add(document)) {
                links(document).forEach(link -> next.add(link.document()));
            }
        }
        assertThat(DOCUMENTS.keySet())
                .as("documents; link what is missing, decisions in docs/decisions/README.md")
                .containsExactlyElementsOf(reached);
    }

    /** Packages that ARCHITECTURE.md names, {@code io.vireo.a.{b, c}} being two. */
    private static Set<String> named() {
        String text = DOCUMENTS.getOrDefault(ROOT.resolve("ARCHITECTURE.md"), "");
        Set<String> named = new TreeSet<>();
        PACKAGES.matcher(text)
                .results()
                .forEach(match -> {
                    String several = match.group(2);
                    if (several == null) {
                        named.add(match.group(1));
                    } else {
                        Stream.of(several.split(", "))
                                .map(last -> match.group(1) + last)
                                .forEach(named::add);
                    }
                });
        return named;
    }

    @Test
    void everyPackageIsOnTheMap() throws IOException {
        Set<String> packages = new TreeSet<>();
        below("src/main/java")
                .map(Path::toString)
                .filter(file -> file.endsWith(PACKAGE_INFO))
                .map(file -> file.substring(0, file.length() - PACKAGE_INFO.length()))
                .map(name -> name.replace('/', '.'))
                .forEach(packages::add);
        assertThat(packages).hasSizeGreaterThan(50);
        assertThat(named()).as("packages in ARCHITECTURE.md").containsAll(packages);
        assertThat(packages).as("packages that there are").containsAll(named());
    }

    private static Stream<Path> below(String sources) throws IOException {
        try (Stream<Path> modules = Files.list(ROOT)) {
            List<Path> files = new ArrayList<>();
            for (Path module : modules.toList()) {
                Path folder = module.resolve(sources);
                if (Files.isDirectory(folder)) {
                    try (Stream<Path> all = Files.walk(folder)) {
                        all.map(folder::relativize).forEach(files::add);
                    }
                }
            }
            return files.stream();
        }
    }

    @Test
    void promisesNameTestsThatThereAre() throws IOException {
        Set<String> classes = new HashSet<>();
        Stream.concat(below("src/test/java"), below("src/main/java"))
                .map(file -> file.getFileName().toString())
                .forEach(name -> classes.add(name.replaceFirst("\\.java$", "")));
        String text = DOCUMENTS.getOrDefault(ROOT.resolve("SPECIFICATION.md"), "");
        Set<String> missing = new TreeSet<>();
        int seen = 0;
        for (MatchResult match : TESTS.matcher(text).results().toList()) {
            seen++;
            if (!classes.contains(match.group(1))) {
                missing.add(match.group(1));
            }
        }
        assertThat(missing).isEmpty();
        assertThat(seen).isGreaterThan(100);
    }
}
