package io.vireo.transport.iscsi;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** What the sessions of a target have done. Written by one reactor, read by any thread. */
final class SessionCounters {
    private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int COMMANDS = 0;
    private static final int BYTES_IN = 1;
    private static final int BYTES_OUT = 2;
    private static final int IGNORED = 3;
    private static final int VIOLATIONS = 4;
    private static final int DIGEST_ERRORS = 5;
    private static final int FULL = 6;
    private static final int REJECTS = 7;

    private static final int ENDED = 8;

    private final long[] cells = new long[9];

    void command() {
        add(COMMANDS, 1);
    }

    void ended() {
        add(ENDED, 1);
    }

    void read(long bytes) {
        add(BYTES_IN, bytes);
    }

    void written(long bytes) {
        add(BYTES_OUT, bytes);
    }

    void ignored() {
        add(IGNORED, 1);
    }

    void violation() {
        add(VIOLATIONS, 1);
    }

    void digestError() {
        add(DIGEST_ERRORS, 1);
    }

    void full() {
        add(FULL, 1);
    }

    void reject() {
        add(REJECTS, 1);
    }

    /** Commands that were begun. */
    long commands() {
        return cell(COMMANDS);
    }

    /** Commands that were begun and have not ended. */
    long outstanding() {
        long ended = cell(ENDED);
        return Math.max(0, cell(COMMANDS) - ended);
    }

    /** Bytes that were read by initiators. */
    long bytesRead() {
        return cell(BYTES_IN);
    }

    /** Bytes that were written by initiators. */
    long bytesWritten() {
        return cell(BYTES_OUT);
    }

    /** Requests outside of the command window. */
    long ignoredRequests() {
        return cell(IGNORED);
    }

    /** Rules that were broken, at the cost of a session or a command. */
    long violations() {
        return cell(VIOLATIONS);
    }

    /** PDUs whose data arrived damaged. */
    long digestErrors() {
        return cell(DIGEST_ERRORS);
    }

    /** Commands that found no memory for their data. */
    long taskSetFull() {
        return cell(FULL);
    }

    /** Reject PDUs that were sent. */
    long rejects() {
        return cell(REJECTS);
    }

    private void add(int index, long amount) {
        // Opaque: one writer; readers of other threads see whole values, and in the end all.
        CELL.setOpaque(cells, index, cells[index] + amount);
    }

    private long cell(int index) {
        return (long) CELL.getOpaque(cells, index);
    }
}
