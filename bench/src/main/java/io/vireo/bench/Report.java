package io.vireo.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects the cases of one run and writes them for programs (JSON) and for people (a table). */
final class Report {
    private final Map<String, Object> host = new LinkedHashMap<>(Host.facts());
    private final Map<String, Object> probes = new LinkedHashMap<>();
    private final List<CaseResult> cases = new ArrayList<>();
    private final Map<String, Object> references = new LinkedHashMap<>();
    private final List<String> remarks = new ArrayList<>();

    void add(CaseResult result) {
        cases.add(result);
        Progress.say(line(result));
    }

    /** What the probes of a case said about the machine. */
    void probed(String caseName, Map<String, Object> summary) {
        probes.put(caseName, summary);
    }

    /** A figure that stands beside the cases, such as fio on the bare file. */
    void reference(String caseName, String unit, double value) {
        references.put(caseName, Map.of("unit", unit, "value", value));
    }

    /**
     * Nanoseconds for which our reactor was busy with a frame: its cost where the rate is the
     * generator's.
     */
    void busy(String caseName, double nanosPerFrame) {
        if (!Double.isNaN(nanosPerFrame)) {
            reference(caseName + "-busy", "ns/frame", nanosPerFrame);
        }
    }

    /** A sentence that a reader of the figures must know. */
    void remark(String sentence) {
        remarks.add(sentence);
        Progress.say("note: " + sentence);
    }

    boolean isEmpty() {
        return cases.isEmpty();
    }

    /** Writes {@code <name>.json} into {@code directory} and prints the table. */
    void write(Path directory, String name) {
        host.put("probes", probes);
        if (!references.isEmpty()) {
            host.put("references", references);
        }
        if (!remarks.isEmpty()) {
            host.put("remarks", remarks);
        }
        var file = directory.resolve(name + ".json");
        try {
            Files.createDirectories(directory);
            Files.writeString(file, json() + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write " + file, e);
        }
        System.out.println();
        System.out.print(table());
        System.out.println("written: " + file);
    }

    private String json() {
        var list = cases.stream().map(Report::fields).toList();
        var result = new LinkedHashMap<String, Object>();
        result.put("host", host);
        result.put("cases", list);
        return Json.write(result);
    }

    private static Map<String, Object> fields(CaseResult result) {
        var fields = new LinkedHashMap<String, Object>();
        fields.put("name", result.name());
        fields.put("unit", result.unit());
        fields.put("vireo", result.vireo());
        fields.put("peer", result.peer());
        fields.put("peerName", result.peerName());
        fields.put("ratio", result.ratio());
        fields.put("ratioMin", result.ratioMin());
        fields.put("ratioMax", result.ratioMax());
        fields.put("windows", result.windows());
        return fields;
    }

    private String table() {
        var out = new StringBuilder();
        out.append(
                String.format(
                        "%-24s %10s %10s %-6s %-20s %6s  %-13s %7s%n",
                        "case",
                        "vireo",
                        "peer",
                        "unit",
                        "peer name",
                        "ratio",
                        "min - max",
                        "windows"));
        for (var result : cases) {
            out.append(line(result)).append(System.lineSeparator());
        }
        references.forEach((name, value) ->
                out.append("reference ").append(name).append(' ').append(value).append('\n'));
        remarks.forEach(remark -> out.append("note: ").append(remark).append('\n'));
        return out.toString();
    }

    private static String line(CaseResult r) {
        return String.format(
                "%-24s %10.2f %10.2f %-6s %-20s %6.2f  %5.2f - %-5.2f %7d",
                r.name(),
                r.vireo(),
                r.peer(),
                r.unit(),
                r.peerName(),
                r.ratio(),
                r.ratioMin(),
                r.ratioMax(),
                r.windows());
    }
}
