package io.vireo.transport.iscsi;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/** What all sessions of a target have done, those that are over included. Any thread. */
final class SessionTotals {
    /** One number of a session. */
    record Count(String name, String help, ToLongFunction<SessionCounters> of) {}

    /** What is counted. */
    static final List<Count> COUNTS =
            List.of(
                    new Count(
                            "commands_total",
                            "SCSI commands that were begun.",
                            SessionCounters::commands),
                    new Count(
                            "read_bytes_total",
                            "Bytes that initiators have read.",
                            SessionCounters::bytesRead),
                    new Count(
                            "written_bytes_total",
                            "Bytes that initiators have written.",
                            SessionCounters::bytesWritten),
                    new Count(
                            "ignored_requests_total",
                            "Requests outside of the command window.",
                            SessionCounters::ignoredRequests),
                    new Count(
                            "violations_total",
                            "Rules that initiators broke, which ended a session or a command.",
                            SessionCounters::violations),
                    new Count(
                            "digest_errors_total",
                            "PDUs whose data arrived damaged.",
                            SessionCounters::digestErrors),
                    new Count(
                            "task_set_full_total",
                            "Commands that were refused because there was no memory for their data.",
                            SessionCounters::taskSetFull),
                    new Count(
                            "rejects_total",
                            "Reject PDUs that were sent.",
                            SessionCounters::rejects));

    // Guarded by this.
    private final List<SessionCounters> open = new ArrayList<>();
    private final long[] closed = new long[COUNTS.size()];
    private long sessions;

    /** A session has begun. */
    synchronized void add(SessionCounters counters) {
        open.add(counters);
        sessions++;
    }

    /** It is over. */
    synchronized void end(SessionCounters counters) {
        if (open.remove(counters)) {
            for (int i = 0; i < closed.length; i++) {
                closed[i] += COUNTS.get(i).of().applyAsLong(counters);
            }
        }
    }

    /** The sum of a number of {@link #COUNTS}. */
    synchronized long total(int index) {
        long sum = closed[index];
        for (SessionCounters counters : open) {
            sum += COUNTS.get(index).of().applyAsLong(counters);
        }
        return sum;
    }

    /** Sessions that there have been. */
    synchronized long sessions() {
        return sessions;
    }
}
