package io.vireo.device.scsi;

import io.vireo.block.BlockCompletion;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import io.vireo.memory.ScatterGatherList;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One task in the task set of a logical unit, and all that its command needs on the way; used again
 * and again. Of the unit's reactor.
 */
final class Slot implements BlockCompletion {
    /** Where a slot is. */
    enum State {
        FREE,
        /** In the task set, dormant. */
        WAITING,
        /** Enabled. */
        RUNNING
    }

    final LogicalUnit unit;
    final BlockRequest request;
    State state = State.FREE;

    /** Whether the request is submitted, or waits to be. */
    boolean busy;

    /** Whether the request waits for rates, or for room in the channel. */
    boolean queued;

    /** When the request may pass a {@link RateGate}, and since when it waits there. */
    long passesAt;

    long heldSince;

    /** Whether it goes on in the background. */
    boolean background;

    /** Within a call of the channel that may complete at once. */
    boolean submitting;

    /** What to do when the request has ended well; nothing: the status is GOOD. */
    @Nullable Step step;

    /**
     * Bytes of {@link #own} memory that it waits for ({@link Workspace}), and those it may have.
     */
    int wanted;

    int kept;

    /** How it is to end as soon as it can. */
    ScsiTask.@Nullable Outcome abort;

    /** Whether its transport has asked for it back, rather than that it waits for room. */
    boolean wantedBack;

    /** It is aborted, and a status is delivered all the same (TAS). */
    boolean abortWithStatus;

    /** It is aborted, and CHECK CONDITION with this is delivered; {@link Sense#NONE}: it is not. */
    int abortSense = Sense.NONE;

    /** What else is to be told when it is aborted; it ends then at once. */
    @Nullable Runnable onAbort;

    /** Who waits for its end; nobody, nearly always. */
    private @Nullable List<Barrier> barriers;

    /** Where a command of several steps is, in bytes of the medium or as it likes. */
    long position;

    long end;

    /** What a command of several steps likes to remember. */
    long[] numbers = {};

    int index;
    boolean flag;

    private @Nullable ScsiTask task;
    private @Nullable UnitNexus nexus;
    private @Nullable Carrier carrier;
    private @Nullable Command command;
    private @Nullable OwnMemory own;

    Slot(LogicalUnit unit, int tag) {
        this.unit = unit;
        request = new BlockRequest(tag, this);
    }

    /** A new use, after {@link #clear}. */
    void begin(
            ScsiTask newTask,
            UnitNexus newNexus,
            @Nullable Carrier newCarrier,
            @Nullable Command newCommand) {
        task = newTask;
        nexus = newNexus;
        carrier = newCarrier;
        command = newCommand;
    }

    /** The use is over: all is as it was at first. */
    void clear() {
        state = State.FREE;
        busy = false;
        queued = false;
        background = false;
        abort = null;
        abortWithStatus = false;
        abortSense = Sense.NONE;
        wantedBack = false;
        if (kept > 0) {
            workspace().release(kept);
            kept = 0;
        }
        task = null;
        nexus = null;
        carrier = null;
        command = null;
        step = null;
        onAbort = null;
        barriers = null;
        if (own != null) {
            own.close();
            own = null;
        }
    }

    @Nullable Command command() {
        return command;
    }

    ScsiTask task() {
        return Objects.requireNonNull(task);
    }

    UnitNexus nexus() {
        return Objects.requireNonNull(nexus);
    }

    @Nullable Carrier carrier() {
        return carrier;
    }

    /** Whether it is a part of another task, which no initiator knows of. */
    boolean isInternal() {
        Carrier by = carrier;
        return by != null && by.isInternal();
    }

    /**
     * Whether it is a part of what goes on behind a task that has ended: a background operation,
     * which functions that abort tasks leave alone (SAM-5, 5.5).
     */
    boolean goesOn() {
        Carrier by = carrier;
        return by != null && by.goesOn();
    }

    /** One more waits for its end. */
    void addBarrier(Barrier barrier) {
        List<Barrier> waiting = barriers;
        if (waiting == null) {
            waiting = new ArrayList<>(1);
            barriers = waiting;
        }
        waiting.add(barrier);
    }

    /** Those who wait for its end, which {@link #clear} leaves as they are. */
    List<Barrier> barriers() {
        List<Barrier> waiting = barriers;
        return waiting == null ? List.of() : waiting;
    }

    /**
     * Whether functions that abort tasks of this unit leave it alone. What a copy manager asks of a
     * unit did not come by the nexus of its initiator: it ends with the copy (SPC-4, 5.17), whose
     * task may be one of another unit, or have ended.
     */
    boolean endsElsewhere() {
        Carrier by = carrier;
        return goesOn() || by != null && by.isOfOtherThan(unit);
    }

    byte[] cdb() {
        return task().cdb();
    }

    // Ends.

    /** GOOD. */
    void good() {
        end(ScsiStatus.GOOD);
    }

    /** A status without sense data. */
    void end(ScsiStatus status) {
        task().result(status);
        unit.ended(this);
    }

    /** CHECK CONDITION. */
    void fail(int code) {
        fail(code, Sense.NO_INFORMATION, Sense.NO_SPECIFIC);
    }

    /** CHECK CONDITION: a field of the CDB is invalid, at this byte. */
    void invalidField(int offset) {
        fail(Sense.INVALID_FIELD_IN_CDB, Sense.NO_INFORMATION, Sense.cdbByte(offset));
    }

    /** CHECK CONDITION: a field of the parameter list is invalid, at this byte. */
    void invalidParameter(int offset) {
        fail(
                Sense.INVALID_FIELD_IN_PARAMETER_LIST,
                Sense.NO_INFORMATION,
                Sense.parameterByte(offset));
    }

    /** CHECK CONDITION with all of its sense data; nothing is transferred to the initiator. */
    void fail(int code, long information, int specific) {
        checkCondition(code, information, specific);
        unit.ended(this);
    }

    /** The results of {@link #fail}, without that the slot ends. */
    void checkCondition(int code, long information, int specific) {
        task().wanted(task().dataOutWanted(), 0);
        boolean descriptor = unit.modes().descriptorSense();
        task().checkCondition(Sense.write(task().sense(), descriptor, code, information, specific));
    }

    /** GOOD with parameter data, cut off at the allocation length. */
    void reply(Reply reply, long allocationLength) {
        int length = (int) Math.min(reply.length(), allocationLength);
        task().wanted(0, length);
        scatter(reply.bytes(), 0, length);
        good();
    }

    // Data.

    // The task may end, or its parameters be acted upon, right after one of these: an error of the
    // initiator's memory has to come before that, or it would cut off the end.

    /** Copies bytes to the beginning of the Data-In, as many as fit. */
    void scatter(byte[] source, int offset, int length) {
        ScatterGatherList list = task().dataIn();
        int at = offset;
        int left = (int) Math.min(length, list.total());
        for (int i = 0; left > 0; i++) {
            int piece = Math.min(left, list.length(i));
            NativeMemory.copyFromArray(source, at, list.address(i), piece);
            at += piece;
            left -= piece;
        }
        NativeMemory.settle();
    }

    /** Copies from native memory to the beginning of the Data-In, as much as fits. */
    void scatter(long source, long length) {
        ScatterGatherList list = task().dataIn();
        long at = source;
        long left = Math.min(length, list.total());
        for (int i = 0; left > 0; i++) {
            long piece = Math.min(left, list.length(i));
            NativeMemory.copy(at, list.address(i), piece);
            at += piece;
            left -= piece;
        }
        NativeMemory.settle();
    }

    /**
     * Copies {@code length} bytes of the Data-Out, from {@code offset} on, to memory of our own,
     * from {@code to} on.
     */
    void gather(long offset, OwnMemory destination, long to, long length) {
        ScatterGatherList list = task().dataOut();
        long skip = offset;
        long at = destination.address(to, length);
        long left = length;
        for (int i = 0; left > 0; i++) {
            int available = list.length(i);
            if (skip >= available) {
                skip -= available;
                continue;
            }
            long piece = Math.min(left, available - skip);
            NativeMemory.copy(list.address(i) + skip, at, piece);
            at += piece;
            left -= piece;
            skip = 0;
        }
        NativeMemory.settle();
    }

    /**
     * The parameter list, copied; if the initiator sends less than the CDB says, ends the slot and
     * returns nothing.
     *
     * @param length by the CDB
     */
    byte @Nullable [] parameters(long length) {
        task().wanted(length, 0);
        if (length > task().dataOut().total()) {
            fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
            return null;
        }
        byte[] list = new byte[(int) length];
        ScatterGatherList out = task().dataOut();
        int at = 0;
        for (int i = 0; at < list.length; i++) {
            int piece = Math.min(list.length - at, out.length(i));
            NativeMemory.copyToArray(out.address(i), list, at, piece);
            at += piece;
        }
        NativeMemory.settle();
        return list;
    }

    private Workspace workspace() {
        return Objects.requireNonNull(nexus().gate).workspace;
    }

    /** Goes on with a step when the slot may have so many bytes of its own, as {@link #kept}. */
    void withMemory(int length, Step then) {
        workspace().take(this, length, then);
    }

    /** Memory of the slot's own until it ends, of at least this many bytes. */
    OwnMemory own(int length) {
        if (own == null || own.length() < length) {
            if (own != null) {
                own.close();
            }
            own = OwnMemory.allocate(length);
        }
        return own;
    }

    // I/O.

    /** Begins a request of the medium; data is added before {@link #submit}. */
    BlockRequest prepare(BlockOperation operation, long offset, long length) {
        return request.prepare(operation, offset, length);
    }

    /** Submits the request; {@code then} is next when it has ended well. */
    void submit(@Nullable Step then) {
        step = then;
        unit.io().submit(this);
    }

    @Override
    public void completed(BlockRequest ended) {
        unit.completed(this, ended.status());
    }

    /** What comes after a request that has ended. */
    void proceed(BlockStatus status) {
        if (status != BlockStatus.OK) {
            fail(senseOf(status));
            return;
        }
        Step next = step;
        if (next == null) {
            good();
        } else {
            next.next(this);
        }
    }

    private int senseOf(BlockStatus status) {
        return switch (status) {
            case OK -> Sense.NONE;
            case IO_ERROR ->
                    request.operation() == BlockOperation.READ
                            ? Sense.UNRECOVERED_READ_ERROR
                            : Sense.WRITE_ERROR;
            case UNSUPPORTED -> Sense.INVALID_OPERATION_CODE;
            case INVALID -> Sense.LBA_OUT_OF_RANGE;
            case READ_ONLY -> Sense.WRITE_PROTECTED;
            case NO_SPACE -> Sense.SPACE_ALLOCATION_FAILED;
            case MEMORY_FAULT -> Sense.DATA_PHASE_ERROR;
            case CANCELLED -> Sense.COMMAND_ABORTED;
        };
    }
}
