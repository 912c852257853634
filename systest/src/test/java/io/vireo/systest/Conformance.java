package io.vireo.systest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * The conformance tests of libiscsi, each in a process of its own: what one of them leaves behind
 * is none of the next one's business.
 */
final class Conformance {
    /** Of the run's summary: tests in total, run, passed, failed. */
    private static final Pattern SUMMARY = Pattern.compile("tests +1 +1 +1 +0 ");

    /** One of them sleeps for a minute. */
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    /** What came of a test. A test that skips a part of itself counts as skipped. */
    enum Outcome {
        PASSED,
        SKIPPED,
        FAILED
    }

    private final Path folder;
    private final Function<String, List<String>> urls;

    /**
     * @param folder where the outputs go
     * @param urls of the logical unit for a test, by one path or by two
     */
    Conformance(Path folder, Function<String, List<String>> urls) {
        this.folder = folder;
        this.urls = urls;
    }

    /** The names of all tests of a family. */
    static List<String> tests(String family) {
        return run(List.of("iscsi-test-cu", "--list"), Path.of("/dev/null"), PATIENCE)
                .lines()
                .filter(line -> line.matches(family + "\\.[^.]+\\.[^.]+"))
                .toList();
    }

    /** Runs tests. Returns those that did not pass, by name. */
    TreeMap<String, Outcome> run(List<String> tests) {
        var findings = new TreeMap<String, Outcome>();
        for (String test : tests) {
            var words = new ArrayList<String>();
            words.addAll(List.of("iscsi-test-cu", "--dataloss", "--allow-sanitize", "-t", test));
            words.addAll(urls.apply(test));
            Path log = folder.resolve(test + ".log");
            String output = run(words, log, PATIENCE);
            Outcome outcome = outcome(output);
            if (outcome != Outcome.PASSED) {
                findings.put(test, outcome);
            }
        }
        return findings;
    }

    private static Outcome outcome(String output) {
        if (!SUMMARY.matcher(output).find()) {
            return Outcome.FAILED;
        }
        return output.contains("[SKIPPED]") ? Outcome.SKIPPED : Outcome.PASSED;
    }

    /** Runs a command to its end, or to that of our patience, and returns what it printed. */
    static String run(List<String> words, Path log, Duration patience) {
        try {
            Path output =
                    log.toString().equals("/dev/null") ? Files.createTempFile("run", "") : log;
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
