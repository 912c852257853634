package io.vireo.resource;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * How far a job is that takes long, in the one way in which tables and statuses say it.
 *
 * @param job what is done, in one word, for example {@code move}
 * @param doneBytes that were dealt with
 * @param totalBytes that there are to deal with; 0: not known yet
 * @param bytesPerSecond what was dealt with per second so far; 0: not known yet
 * @param waiting what it waits for now; empty: for nothing
 */
public record Progress(
        String job, long doneBytes, long totalBytes, long bytesPerSecond, Optional<Wait> waiting) {
    /** Attribute: the jobs that run now, separated by commas; there is none if none does. */
    public static final String JOB = "job";

    /** Attribute: how much of each is done, {@code 42%}. */
    public static final String PROGRESS = "progress";

    /** Attribute: how fast each is, {@code 18.9Mi/s}, or {@code -} where nobody knows. */
    public static final String RATE = "rate";

    /**
     * Attribute: how long each will take if it goes on like that, or waits at most, {@code 3m20s},
     * or {@code -} where nobody knows.
     */
    public static final String TIME_LEFT = "timeLeft";

    private static final String UNKNOWN = "-";
    private static final Duration ALMOST_A_SECOND = Duration.ofSeconds(1).minusNanos(1);
    private static final String[] UNITS = {"B", "Ki", "Mi", "Gi", "Ti", "Pi"};

    /** A job that is under way. */
    public Progress(String job, long doneBytes, long totalBytes, long bytesPerSecond) {
        this(job, doneBytes, totalBytes, bytesPerSecond, Optional.empty());
    }

    /** A job that waits before it begins. */
    public static Progress waiting(String job, Wait what) {
        return new Progress(job, 0, 0, 0, Optional.of(what));
    }

    /** As people read it. */
    public String percent() {
        return totalBytes == 0 ? "0%" : (long) Math.min(100, doneBytes * 100.0 / totalBytes) + "%";
    }

    /** As people read it; {@code -}: nobody knows. */
    public String rate() {
        return bytesPerSecond <= 0 ? UNKNOWN : bytes(bytesPerSecond) + "/s";
    }

    /** As people read it; {@code -}: nobody knows. */
    public String timeLeft() {
        if (waiting.isPresent()) {
            return time(waiting.get().left().plus(ALMOST_A_SECOND).toSeconds());
        }
        if (bytesPerSecond <= 0 || totalBytes == 0) {
            return UNKNOWN;
        }
        return time((Math.max(0, totalBytes - doneBytes) + bytesPerSecond - 1) / bytesPerSecond);
    }

    private static String time(long seconds) {
        return seconds >= 3600
                ? "%dh%02dm".formatted(seconds / 3600, seconds / 60 % 60)
                : seconds >= 60 ? "%dm%02ds".formatted(seconds / 60, seconds % 60) : seconds + "s";
    }

    /** All of it, for people: {@code 42% of 10Gi, 18.9Mi/s, 3m20s left}. */
    public String text() {
        String speed = rate().equals(UNKNOWN) ? "" : ", " + rate();
        String left = timeLeft().equals(UNKNOWN) ? "" : ", " + timeLeft() + " left";
        return percent() + " of " + bytes(totalBytes) + speed + left;
    }

    /** Adds jobs to what a status shows; nothing if there are none. */
    public static void describe(List<Progress> jobs, Map<String, String> attributes) {
        if (!jobs.isEmpty()) {
            attributes.put(JOB, joined(jobs, Progress::job));
            attributes.put(PROGRESS, joined(jobs, Progress::percent));
            attributes.put(RATE, joined(jobs, Progress::rate));
            attributes.put(TIME_LEFT, joined(jobs, Progress::timeLeft));
        }
    }

    private static String joined(List<Progress> jobs, Function<Progress, String> part) {
        return jobs.stream().map(part).collect(Collectors.joining(","));
    }

    /** The columns of tables that show the same. */
    public static <S extends Spec> List<Column<S>> columns() {
        return List.of(
                Column.attribute("JOB", JOB),
                Column.attribute("PROGRESS", PROGRESS),
                Column.attribute("RATE", RATE),
                Column.attribute("LEFT", TIME_LEFT));
    }

    /** A number of bytes in three digits and a unit, {@code 12.5Gi}. */
    public static String bytes(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit + 1 < UNITS.length) {
            value /= 1024;
            unit++;
        }
        boolean whole = value == Math.rint(value) || value >= 100;
        return String.format(Locale.ROOT, whole ? "%.0f%s" : "%.1f%s", value, UNITS[unit]);
    }
}
