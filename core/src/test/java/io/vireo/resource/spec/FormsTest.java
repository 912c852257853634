package io.vireo.resource.spec;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.Field;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.RecordComponent;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Each pattern of the specs has words and an example, which is one. */
class FormsTest {
    @Test
    void everyPatternHasWordsAndAnExampleThatMatches() throws Exception {
        Set<String> patterns = patterns();
        assertThat(patterns).contains(Forms.ABSOLUTE_PATH, VhbaSpec.WWN).hasSizeGreaterThan(15);
        for (String pattern : patterns) {
            Forms.Form form = Forms.of(pattern);
            assertThat(form.example()).as(form.words()).matches(pattern);
            assertThat(form.text()).isEqualTo(form.words() + ", like " + form.example());
        }
    }

    private static Set<String> patterns() throws IOException, URISyntaxException {
        var patterns = new TreeSet<String>();
        for (Class<?> type : classes()) {
            Stream.of(
                            Optional.ofNullable(type.getRecordComponents())
                                    .orElse(new RecordComponent[0]))
                    .flatMap(component -> Stream.of(component.getAnnotationsByType(Field.class)))
                    .map(Field::pattern)
                    .filter(pattern -> !pattern.isEmpty())
                    .forEach(patterns::add);
        }
        return patterns;
    }

    /** All classes of the package, those inside of others too. */
    private static List<Class<?>> classes() throws IOException, URISyntaxException {
        Path top =
                Path.of(
                        VdiskSpec.class
                                .getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toURI());
        String name = VdiskSpec.class.getPackageName();
        try (Stream<Path> files = Files.list(top.resolve(name.replace('.', '/')))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith(".class") && !file.startsWith("package-info"))
                    .<Class<?>>map(file -> load(name + "." + file.replace(".class", "")))
                    .toList();
        }
    }

    private static Class<?> load(String name) {
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            throw new UncheckedIOException(new IOException(name, e));
        }
    }
}
