package io.vireo.device.scsi;

import io.vireo.scsi.TaskAttribute;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A copy operation (SPC-4, 5.17.4), and what is known of it when it has ended. It goes piece by
 * piece, one at a time. Of the reactor of the unit that was asked for it.
 */
final class CopyOperation {
    /** Service actions of THIRD-PARTY COPY OUT. */
    static final int LID1 = 0x00;

    static final int LID4 = 0x01;
    static final int POPULATE_TOKEN = 0x10;
    static final int WRITE_USING_TOKEN = 0x11;

    /** How far an operation is. */
    enum Progress {
        WAITING,
        RUNNING,
        DONE,
        FAILED
    }

    final UnitNexus by;
    final int serviceAction;
    final long listId;
    private final LogicalUnit unit;
    private final Runnable whenDone;
    private final boolean immediate;
    private List<CopySegment> segments = List.of();
    private @Nullable Slot slot;
    private @Nullable CopyPiece piece;
    private @Nullable RodToken token;
    private Progress progress = Progress.WAITING;
    private boolean cancelled;
    private int processed;
    private long done;
    private long transferred;
    private int problem = Sense.NONE;

    /**
     * An operation that has not begun.
     *
     * @param slot that asks for it
     * @param immediate whether the slot ends when it begins
     * @param whenDone runs when it has ended well
     */
    CopyOperation(Slot slot, int serviceAction, long listId, boolean immediate, Runnable whenDone) {
        unit = slot.unit;
        by = slot.nexus();
        this.slot = slot;
        this.serviceAction = serviceAction;
        this.listId = listId;
        this.immediate = immediate;
        this.whenDone = whenDone;
    }

    Progress progress() {
        return progress;
    }

    /** Whether nobody waits for it to end. */
    boolean isInBackground() {
        return slot == null;
    }

    /** Segments that were done. */
    int processed() {
        return processed;
    }

    /** Bytes that were copied. */
    long transferred() {
        return transferred;
    }

    /** What it failed by, or {@link Sense#NONE}. */
    int problem() {
        return problem;
    }

    /** What POPULATE TOKEN made. */
    @Nullable RodToken token() {
        return token;
    }

    /** Whether it has ended. */
    boolean hasEnded() {
        return progress == Progress.DONE || progress == Progress.FAILED;
    }

    /** The slot may have been aborted while it was asked what there is to copy. */
    boolean isAborted() {
        Slot asking = slot;
        return cancelled || (asking != null && asking.abort != null);
    }

    /** It has made a token, which is all that it was to do. */
    void made(RodToken newToken) {
        token = newToken;
        end(Sense.NONE);
    }

    /** It waits for its turn with these segments, and can be aborted at once until then. */
    void queued(List<CopySegment> newSegments, Runnable withdraw) {
        segments = newSegments;
        Slot asking = slot;
        if (asking == null) {
            return;
        }
        if (asking.task().attribute() != TaskAttribute.ORDERED) {
            unit.tasks().background(asking);
        }
        asking.onAbort =
                () -> {
                    slot = null;
                    progress = Progress.FAILED;
                    problem = Sense.COPY_ABORTED;
                    withdraw.run();
                };
    }

    /** Its turn has come. Only now a task that does not wait for it ends: what waits is counted. */
    void start() {
        progress = Progress.RUNNING;
        Slot asking = slot;
        if (asking != null) {
            asking.onAbort = null;
            if (immediate) {
                slot = null;
                asking.good();
            }
        }
        next();
    }

    private void next() {
        while (processed < segments.size() && done == segments.get(processed).length()) {
            processed++;
            done = 0;
        }
        if (isAborted()) {
            end(Sense.COPY_ABORTED);
        } else if (processed == segments.size()) {
            end(Sense.NONE);
        } else {
            CopySegment segment = segments.get(processed);
            CopyPiece going = piece;
            if (going == null) {
                going = new CopyPiece(this, unit, segment);
                piece = going;
            }
            going.begin(segment, done);
        }
    }

    /** The piece has ended. */
    void pieceEnded(int newProblem) {
        if (newProblem != Sense.NONE) {
            end(newProblem);
            return;
        }
        CopyPiece ended = piece;
        if (ended != null) {
            done += ended.length();
            transferred += ended.length();
        }
        next();
    }

    /** Ends it when its piece has; it may be asked by another task, which does not wait. */
    void cancel() {
        cancelled = true;
    }

    /** Ends it, with a code or {@link Sense#NONE}, and the task that waits for it. */
    void end(int code) {
        problem = code;
        progress = code == Sense.NONE ? Progress.DONE : Progress.FAILED;
        CopyPiece last = piece;
        piece = null;
        if (last != null) {
            last.close();
        }
        if (code == Sense.NONE) {
            whenDone.run();
        }
        Slot asking = slot;
        slot = null;
        unit.copies().ended(this);
        if (asking == null) {
            return;
        }
        if (asking.abort != null) {
            unit.ended(asking);
        } else if (code == Sense.NONE) {
            asking.good();
        } else {
            asking.fail(code);
        }
    }
}
