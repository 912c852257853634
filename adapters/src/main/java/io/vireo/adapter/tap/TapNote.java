package io.vireo.adapter.tap;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A file in the runtime directory that says that an interface was made here, for which incarnation
 * of a resource, and which one it is: by the boot, the network namespace and the index, which no
 * other interface has. So an interface of the same name that somebody else made later is never
 * taken for it.
 *
 * @param file its name is the uid, the namespace and the name of the interface, between {@code @}
 */
record TapNote(Path file) {
    private static final String SEPARATOR = "@";
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Path NAMESPACE = Path.of("/proc/thread-self/ns/net");

    /** What a note is of: the name of its file. */
    record Subject(String uid, Optional<String> namespace, String interfaceName) {
        String text() {
            return uid + SEPARATOR + namespace.orElse("") + SEPARATOR + interfaceName;
        }
    }

    static TapNote of(Path directory, Subject subject) {
        var file = directory.resolve(subject.text());
        var former = directory.resolve(subject.uid());
        try {
            // As they were before an uplink could go from one interface to another.
            if (Files.exists(former)
                    && Files.readString(former).equals(subject.interfaceName() + "\n")) {
                Files.move(former, file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new TapNote(file);
    }

    /** What there are notes of in a directory. */
    static List<Subject> subjects(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString().split(SEPARATOR, -1))
                    .filter(parts -> parts.length == 3)
                    .map(parts ->
                            new Subject(
                                    parts[0],
                                    Optional.of(parts[1]).filter(name -> !name.isEmpty()),
                                    parts[2]))
                    .toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    boolean exists() {
        return Files.exists(file);
    }

    /** Writes it; in the namespace of the interface. */
    void write(String name, int index) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text(name, index));
    }

    /** Whether it is of the interface that has this name and index now; in its namespace. */
    boolean isOf(String name, int index) throws IOException {
        if (!exists()) {
            return false;
        }
        var text = Files.readString(file);
        return text.equals(text(name, index)) || text.equals(name + "\n");
    }

    private static String text(String name, int index) throws IOException {
        return "%s\n%s\n%s\n%d\n"
                .formatted(
                        name,
                        Files.readString(BOOT).strip(),
                        Files.readSymbolicLink(NAMESPACE),
                        index);
    }

    void remove() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
