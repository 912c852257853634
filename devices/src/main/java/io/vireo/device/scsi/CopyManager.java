package io.vireo.device.scsi;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The copy operations that a unit was asked for (SPC-4, 5.17): a few at a time, and the last of
 * those that ended. Of the unit's reactor.
 */
final class CopyManager {
    /** The list identifier of operations that have none; nobody can ask for them. */
    static final long UNNAMED = -1;

    /** Operations that go on at the same time; others wait. */
    static final int CONCURRENT = 4;

    /** Operations whose outcome is remembered. */
    private static final int REMEMBERED = 64;

    private final LogicalUnit unit;

    /** Operations of which it is not known yet what there is to copy. */
    private final List<CopyOperation> beginning = new ArrayList<>();

    private final List<CopyOperation> running = new ArrayList<>();
    private final ArrayDeque<CopyOperation> waiting = new ArrayDeque<>();
    private final ArrayDeque<CopyOperation> ended = new ArrayDeque<>();

    CopyManager(LogicalUnit unit) {
        this.unit = unit;
    }

    /** Takes an operation, which has its list identifier from now on. */
    CopyOperation begin(CopyOperation operation) {
        beginning.add(operation);
        return operation;
    }

    /** An operation that has begun knows what to copy. */
    void start(CopyOperation operation, List<CopySegment> segments) {
        beginning.remove(operation);
        if (operation.isAborted()) {
            operation.end(Sense.COPY_ABORTED);
            return;
        }
        waiting.add(operation);
        operation.queued(
                segments,
                () -> {
                    waiting.remove(operation);
                    remember(operation);
                });
        startWaiting();
    }

    private void startWaiting() {
        while (running.size() < CONCURRENT && !waiting.isEmpty()) {
            CopyOperation next = waiting.remove();
            running.add(next);
            next.start();
        }
    }

    /** An operation has ended. */
    void ended(CopyOperation operation) {
        beginning.remove(operation);
        boolean ran = running.remove(operation);
        remember(operation);
        if (ran) {
            // Not from within the turn of the one that ended: a long row would fill the stack.
            unit.owner().execute(this::startWaiting);
        }
    }

    private void remember(CopyOperation operation) {
        if (operation.listId == UNNAMED) {
            return;
        }
        ended.removeIf(other -> other.by == operation.by && other.listId == operation.listId);
        if (ended.size() == REMEMBERED) {
            ended.removeFirst();
        }
        ended.addLast(operation);
    }

    /** Whether a nexus has an operation of this list identifier that has not ended. */
    boolean isBusy(UnitNexus by, long listId) {
        CopyOperation found = find(by, listId);
        return found != null && !found.hasEnded();
    }

    /** The operation of a nexus that goes by this list identifier. */
    @Nullable CopyOperation find(UnitNexus by, long listId) {
        for (Collection<CopyOperation> all : List.of(beginning, running, waiting, ended)) {
            for (CopyOperation operation : all) {
                if (operation.by == by && operation.listId == listId) {
                    return operation;
                }
            }
        }
        return null;
    }

    /** Ends an operation on behalf of its initiator (COPY OPERATION ABORT). */
    void abort(CopyOperation operation) {
        if (waiting.remove(operation)) {
            operation.end(Sense.COPY_ABORTED);
        } else {
            operation.cancel();
        }
    }

    /** Ends what nobody waits for: the unit was reset. */
    void cancelAll() {
        List.copyOf(running).forEach(this::abort);
        List.copyOf(waiting).forEach(this::abort);
    }

    /** A nexus is gone, and with it what it asked for. */
    void nexusLost(UnitNexus nexus) {
        // What waits is a task, and is aborted as such.
        List.copyOf(running).stream()
                .filter(operation -> operation.by == nexus && operation.isInBackground())
                .forEach(this::abort);
        ended.removeIf(operation -> operation.by == nexus);
    }
}
