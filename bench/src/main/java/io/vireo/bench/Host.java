package io.vireo.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Facts about the machine, written beside the figures. */
final class Host {
    private static final double TICKS_PER_SECOND = 100;

    /** Of the fields behind the name; system time follows. */
    private static final int USER_TIME = 11;

    private Host() {}

    static Map<String, Object> facts() {
        var facts = new LinkedHashMap<String, Object>();
        facts.put("cpu", field(Path.of("/proc/cpuinfo"), "model name"));
        facts.put("cores", Runtime.getRuntime().availableProcessors());
        facts.put("memory", field(Path.of("/proc/meminfo"), "MemTotal"));
        facts.put("kernel", System.getProperty("os.version", "?"));
        facts.put("system", field(Path.of("/etc/os-release"), "PRETTY_NAME").replace("\"", ""));
        facts.put("jdk", Runtime.version().toString());
        return facts;
    }

    /** Processor time that all threads of a process together have had, in s (proc_pid_stat(5)). */
    static double processorSeconds(long pid) {
        return processorSeconds(Path.of("/proc/" + pid + "/stat"));
    }

    /** The same of a process or thread, by its {@code stat}. */
    static double processorSeconds(Path stat) {
        try {
            var text = Files.readString(stat, StandardCharsets.ISO_8859_1);
            // The name, in parentheses, may contain anything.
            var fields = text.substring(text.lastIndexOf(')') + 2).split(" ", -1);
            return (Long.parseLong(fields[USER_TIME]) + Long.parseLong(fields[USER_TIME + 1]))
                    / TICKS_PER_SECOND;
        } catch (IOException e) {
            throw new BenchException("Cannot read " + stat + ".", e);
        }
    }

    /** Resident memory of a process, in bytes. */
    static long residentBytes(long pid) {
        var text = field(Path.of("/proc/" + pid + "/status"), "VmRSS:");
        try {
            return Long.parseLong(text.replace(" kB", "")) << 10;
        } catch (NumberFormatException e) {
            throw new BenchException("Process " + pid + " has no resident memory.", e);
        }
    }

    /**
     * The value of the first {@code name: value} or {@code name=value} line of a file of the
     * kernel.
     */
    static String field(Path file, String name) {
        try {
            for (var line : Files.readString(file, StandardCharsets.ISO_8859_1).split("\n", -1)) {
                if (line.startsWith(name)) {
                    return line.substring(name.length()).replaceFirst("^[\\s:=]+", "").strip();
                }
            }
            return "?";
        } catch (IOException e) {
            return "?";
        }
    }
}
