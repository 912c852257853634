package io.vireo.systest;

import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What the guests saw.
 *
 * @param servers one entry for each guest
 * @param recovered requests that the host took up again after it had been killed; empty where it
 *     does not count them
 */
public record Report(List<Entry> servers, OptionalLong recovered) {
    public Report {
        servers = List.copyOf(servers);
    }

    /**
     * One guest's part.
     *
     * @param profile the profile that it runs
     * @param identity what its devices had to be called
     * @param seen what its drivers found
     * @param diskRate MB/s of a large write past the page cache, flushed
     * @param netRate MB/s that it sent to the other guest by TCP
     * @param endurance what the time of load and restarts came to
     */
    public record Entry(
            String profile,
            Host.Identity identity,
            Server.Sighting seen,
            double diskRate,
            double netRate,
            Server.Endurance endurance) {}

    /** A table for people, one column for each guest. */
    public String table() {
        var text = new StringBuilder();
        row(text, "", Entry::profile);
        row(text, "network card", entry -> entry.seen().card());
        row(text, "MAC address", entry -> entry.seen().mac());
        row(text, "disk", entry -> entry.seen().disk());
        row(text, "disk serial", entry -> entry.seen().serial());
        row(text, "disk size", entry -> entry.seen().diskMib() + " MiB");
        row(text, "disk write", entry -> number("%.0f MB/s", entry.diskRate()));
        row(text, "sent to the other", entry -> number("%.0f MB/s", entry.netRate()));
        row(text, "longest I/O pause", entry -> number("%.1f s", entry.endurance().ioPause()));
        row(text, "longest ping pause", entry -> number("%.1f s", entry.endurance().pingPause()));
        row(text, "files verified", entry -> Integer.toString(entry.endurance().files()));
        recovered.ifPresent(count ->
                text.append(
                        "%nrequests in flight at SIGKILL and recovered: %d%n".formatted(count)));
        return text.toString();
    }

    private void row(StringBuilder text, String title, Function<Entry, String> cell) {
        text.append(
                servers.stream()
                        .map(entry -> String.format(Locale.ROOT, "%-36s", cell.apply(entry)))
                        .collect(Collectors.joining("  ", "%-20s  ".formatted(title), ""))
                        .stripTrailing());
        text.append(System.lineSeparator());
    }

    private static String number(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }
}
