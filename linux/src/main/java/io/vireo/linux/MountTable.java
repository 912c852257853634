package io.vireo.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The file systems that are mounted where this process sees them: /proc/self/mountinfo, proc(5). No
 * file system is asked.
 */
public final class MountTable {
    private static final Path SELF = Path.of("/proc/self/mountinfo");
    private static final String BEFORE_TYPE = " - ";

    private final Map<Long, String> byMount = new HashMap<>();
    private final Map<Long, String> byDevice = new HashMap<>();

    private MountTable() {}

    /**
     * Reads it as it is now.
     *
     * @throws UncheckedIOException if there is no /proc
     */
    public static MountTable read() {
        try {
            return parse(Files.readString(SELF));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One mount a line: its number, its parent's, MAJOR:MINOR of the device, ... - the type ... */
    static MountTable parse(String text) {
        var table = new MountTable();
        text.lines().forEach(table::add);
        return table;
    }

    private void add(String line) {
        String[] words = line.split(" ", 4);
        String[] device = words[2].split(":", 2);
        String rest = line.substring(line.indexOf(BEFORE_TYPE) + BEFORE_TYPE.length());
        String type = rest.substring(0, rest.indexOf(' '));
        byMount.put(Long.parseLong(words[0]), type);
        byDevice.put(Long.parseLong(device[0]) << Integer.SIZE | Long.parseLong(device[1]), type);
    }

    /**
     * Returns the type of the file system that holds a file, such as {@code ext4}: of its mount,
     * or, where that is another mount namespace's, of its device. Nothing: it is mounted nowhere
     * here.
     */
    public Optional<String> typeOf(FileStat file) {
        String type = byMount.get(file.mount());
        return Optional.ofNullable(type == null ? byDevice.get(file.device()) : type);
    }
}
