package io.vireo.device.scsi;

import io.vireo.memory.OwnMemory;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import java.util.Arrays;
import java.util.Objects;

/**
 * What a copy operation has under way: a READ or a WRITE at one of its units, as a task of the same
 * nexus, so that reservations, write protection and states count as they do for the initiator. It
 * is the message in the mailboxes of the units, too; who has it at the time works on it.
 */
final class CopyPiece implements Carrier, Runnable {
    /** Bytes that are read and written at a time. */
    static final int LENGTH = 1 << 20;

    /** Bytes of zeroes that are written at a time. */
    private static final long MAX_ZEROES = 64 << 20;

    /** What two units' blocks have in common. */
    private static final long ALIGNMENT = 4096;

    private static final int READ = 0x88;
    private static final int WRITE = 0x8A;
    private static final int WRITE_SAME = 0x93;
    private static final int UNMAP_WITHOUT_DATA = 0x09;
    private static final int WITHOUT_DATA = 0x01;
    private static final int CDB = 16;

    private enum Stage {
        READ,
        WRITE,
        /** On its way back. */
        ENDED
    }

    private final CopyOperation operation;
    private final LogicalUnit manager;
    private final OwnMemory memory = OwnMemory.allocate(LENGTH);
    private final ScsiTask task = new ScsiTask(0);
    private Stage stage = Stage.ENDED;
    private CopySegment segment;
    private long done;
    private long length;
    private boolean zeroes;

    /** Whether nobody waits for the operation; for whoever has the piece. */
    private boolean inBackground;

    private int problem;

    CopyPiece(CopyOperation operation, LogicalUnit manager, CopySegment first) {
        this.operation = operation;
        this.manager = manager;
        segment = first;
    }

    /** Bytes that it had to do with. */
    long length() {
        return length;
    }

    /** Begins with what is at {@code newDone} bytes of a segment: reads it. */
    void begin(CopySegment newSegment, long newDone) {
        segment = newSegment;
        done = newDone;
        problem = Sense.NONE;
        inBackground = operation.isInBackground();
        UnitNexus from = segment.from();
        if (from == null) {
            zeroes = true;
            length = Math.min(segment.length() - done, MAX_ZEROES);
            write();
        } else {
            stage = Stage.READ;
            from.unit.owner().execute(this);
        }
    }

    private void write() {
        stage = Stage.WRITE;
        segment.to().unit.owner().execute(this);
    }

    @Override
    public void run() {
        switch (stage) {
            case READ -> startRead(Objects.requireNonNull(segment.from()));
            case WRITE -> startWrite(segment.to());
            case ENDED -> ended();
        }
    }

    // At the source.

    private void startRead(UnitNexus from) {
        long offset = segment.fromOffset() + done;
        long left = segment.length() - done;
        long mapped = from.unit.io().mapped(offset, left);
        long hole = Math.min(-mapped, MAX_ZEROES) / ALIGNMENT * ALIGNMENT;
        zeroes = hole > 0;
        length = zeroes ? hole : Math.min(left, LENGTH);
        prepare(from, READ, offset, zeroes ? 0 : length);
        if (!zeroes) {
            task.dataIn().add(memory.address(), (int) length);
        }
        from.unit.submit(task, from, this);
    }

    // At the destination.

    private void startWrite(UnitNexus to) {
        long offset = segment.toOffset() + done;
        if (zeroes) {
            prepare(to, WRITE_SAME, offset, length);
            boolean unmaps = ProvisioningCommands.unmaps(to.unit);
            task.cdb()[1] = (byte) (unmaps ? UNMAP_WITHOUT_DATA : WITHOUT_DATA);
        } else {
            prepare(to, WRITE, offset, length);
            task.dataOut().add(memory.address(), (int) length);
        }
        to.unit.submit(task, to, this);
    }

    private void prepare(UnitNexus at, int opcode, long offset, long bytes) {
        // It passes tasks that wait for the one that it is a part of.
        task.prepare(Luns.encode(at.lun), 0, TaskAttribute.HEAD_OF_QUEUE, CDB);
        Arrays.fill(task.cdb(), 0, CDB, (byte) 0);
        task.cdb()[0] = (byte) opcode;
        Bytes.put64(task.cdb(), 2, offset >> at.unit.blockShift());
        Bytes.put32(task.cdb(), 10, bytes >> at.unit.blockShift());
    }

    @Override
    public boolean isInternal() {
        return true;
    }

    @Override
    public boolean goesOn() {
        return inBackground;
    }

    @Override
    public boolean isOfOtherThan(LogicalUnit unit) {
        return unit != manager;
    }

    @Override
    public void sendBack() {
        RodToken token = segment.token();
        problem = problem();
        if (problem == Sense.NONE && stage == Stage.READ && token != null) {
            // The data is what the token stands for if nothing was written until now.
            problem = token.problem();
        }
        if (problem == Sense.NONE && stage == Stage.READ) {
            write();
        } else {
            stage = Stage.ENDED;
            manager.owner().execute(this);
        }
    }

    private int problem() {
        if (task.outcome() != ScsiTask.Outcome.COMPLETED) {
            return Sense.COPY_ABORTED;
        }
        if (task.status() == ScsiStatus.GOOD) {
            return Sense.NONE;
        }
        if (task.status() != ScsiStatus.CHECK_CONDITION) {
            return Sense.COPY_TARGET_NOT_REACHABLE;
        }
        int code = Sense.code(task.sense());
        return code >> 16 == Sense.DATA_PROTECT ? code : Sense.THIRD_PARTY_DEVICE_FAILURE;
    }

    private void ended() {
        operation.pieceEnded(problem);
    }

    /** Gives its memory back. */
    void close() {
        memory.close();
    }
}
