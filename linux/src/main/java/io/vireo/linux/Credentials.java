package io.vireo.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * Users and groups, as this host's own files know them (no directory services: a daemon must start
 * without a network).
 */
public final class Credentials {
    private static final Path PASSWD = Path.of("/etc/passwd");
    private static final Path GROUP = Path.of("/etc/group");

    private static final String NUMBER = "[0-9]{1,9}";

    private Credentials() {}

    /** Returns the effective user of this process. */
    public static int euid() {
        return (int) Syscall.call(Syscall.GETEUID);
    }

    /** Returns the effective group of this process. */
    public static int egid() {
        return (int) Syscall.call(Syscall.GETEGID);
    }

    /**
     * Returns the number of a user given by name or by number; empty where there is no such name.
     */
    public static OptionalInt uid(String user) throws IOException {
        return id(PASSWD, user);
    }

    /**
     * Returns the number of a group given by name or by number; empty where there is no such name.
     */
    public static OptionalInt gid(String group) throws IOException {
        return id(GROUP, group);
    }

    /**
     * Both files have the name in the first field and the number in the third: passwd(5), group(5).
     */
    static OptionalInt id(Path file, String name) throws IOException {
        if (name.matches(NUMBER)) {
            return OptionalInt.of(Integer.parseInt(name));
        }
        try (Stream<String> lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
            return lines.map(line -> line.split(":", -1))
                    .filter(fields -> fields.length >= 4 && fields[0].equals(name))
                    .filter(fields -> fields[2].matches(NUMBER))
                    .mapToInt(fields -> Integer.parseInt(fields[2]))
                    .findFirst();
        }
    }
}
