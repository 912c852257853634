package io.vireo.systest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/**
 * The conformance tests of libiscsi, each in a process of its own: what one of them leaves behind
 * is none of the next one's business.
 */
final class Conformance {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** What came of a test. A test that skips a part of itself counts as skipped. */
    enum Outcome {
        PASSED,
        SKIPPED,
        FAILED
    }

    /** A test that did not pass. */
    record Finding(String test, Outcome outcome, String output) {}

    private final Path folder;
    private final List<String> urls;

    /**
     * @param folder where the outputs go
     * @param urls of a logical unit, by one path or by two
     */
    Conformance(Path folder, String... urls) {
        this.folder = folder;
        this.urls = List.of(urls);
    }

    /** The names of all tests of a family. */
    static List<String> tests(String family) {
        return run(List.of("iscsi-test-cu", "--list"), Path.of("/dev/null"), PATIENCE)
                .lines()
                .filter(line -> line.matches(family + "\\.[^.]+\\.[^.]+"))
                .toList();
    }

    /** Runs tests. Returns those that did not pass, by name. */
    TreeMap<String, Finding> run(List<String> tests, Set<String> leftOut) {
        var findings = new TreeMap<String, Finding>();
        for (String test : tests) {
            if (leftOut.contains(test)) {
                continue;
            }
            var words = new ArrayList<String>(List.of("iscsi-test-cu", "--dataloss", "-t", test));
            words.addAll(urls);
            Path log = folder.resolve(test + ".log");
            String output = run(words, log, PATIENCE);
            Outcome outcome = outcome(output);
            if (outcome != Outcome.PASSED) {
                findings.put(test, new Finding(test, outcome, output));
            }
        }
        return findings;
    }

    private static Outcome outcome(String output) {
        if (!output.contains("...passed") || output.contains("FAILED")) {
            return Outcome.FAILED;
        }
        return output.contains("[SKIPPED]") ? Outcome.SKIPPED : Outcome.PASSED;
    }

    /** Runs a command to its end, or to that of our patience, and returns what it printed. */
    static String run(List<String> words, Path log, Duration patience) {
        try {
            Path output = log.toString().equals("/dev/null") ? Files.createTempFile("run", "") : log;
            Process process =
                    new ProcessBuilder(words)
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
            process.getOutputStream().close();
            boolean ended = Processes.ended(process, patience);
            if (!ended) {
                Processes.kill(process);
            }
            String text = Files.readString(output, StandardCharsets.ISO_8859_1);
            if (!output.equals(log)) {
                Files.delete(output);
            }
            return ended ? text : text + "\nFAILED: it did not come to an end";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
