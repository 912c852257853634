package io.vireo.scsi;

import io.vireo.memory.ScatterGatherList;

/**
 * A command: preallocated by the transport, filled, submitted, completed, and used again. It
 * belongs to the nexus from {@link ScsiNexus#submit} to {@link NexusListener#completed}; whoever
 * has it at the time works on it, on one thread.
 *
 * <p>Use: {@link #prepare}, fill {@link #cdb}, {@link #dataOut} and {@link #dataIn}, submit, read
 * the results.
 */
public final class ScsiTask {
    /** Bytes of the longest CDB (SPC-4, 4.2.3). */
    public static final int MAX_CDB = 260;

    /** Bytes of the longest sense data (SPC-4, 4.5.1). */
    public static final int MAX_SENSE = 252;

    /** How a task ended. */
    public enum Outcome {
        /** With a {@link ScsiTask#status} that is to be delivered. */
        COMPLETED,
        /**
         * Aborted by a task management function of this nexus, or with the nexus: no status is to
         * be delivered.
         */
        ABORTED,
        /** As ABORTED, by a reset of the logical unit or the target. */
        RESET,
        /**
         * Taken back by the transport ({@link ScsiNexus#takeBack}): it may be submitted anew, as if
         * it never had been.
         */
        TAKEN_BACK
    }

    private final int index;
    private final byte[] cdb = new byte[MAX_CDB];
    private final ScatterGatherList dataOut = new ScatterGatherList(8);
    private final ScatterGatherList dataIn = new ScatterGatherList(8);
    private final byte[] sense = new byte[MAX_SENSE];
    private long lun;
    private long tag;
    private TaskAttribute attribute = TaskAttribute.SIMPLE;
    private int cdbLength;
    private boolean recovered;
    private Outcome outcome = Outcome.COMPLETED;
    private ScsiStatus status = ScsiStatus.GOOD;
    private int senseLength;
    private long submittedAt;
    private long dataOutWanted;
    private long dataInWanted;

    /**
     * @param index the owner's number for this object, unchanged for its life
     */
    public ScsiTask(int index) {
        this.index = index;
    }

    /**
     * Starts a new use: no data, no results, and a CDB of {@code newCdbLength} bytes, all of which
     * the transport fills.
     *
     * @param newLun eight bytes of LUN as SAM-5, 4.7 has them, the first one highest
     * @param newTag command identifier, unlike that of any other task of the nexus in flight
     * @param newCdbLength bytes of the CDB that the transport has received, at most {@link
     *     #MAX_CDB}; may be more than the command has
     */
    public ScsiTask prepare(
            long newLun, long newTag, TaskAttribute newAttribute, int newCdbLength) {
        if (newCdbLength < 0 || newCdbLength > MAX_CDB) {
            throw new IllegalArgumentException("a CDB of " + newCdbLength + " bytes");
        }
        lun = newLun;
        tag = newTag;
        attribute = newAttribute;
        cdbLength = newCdbLength;
        recovered = false;
        outcome = Outcome.COMPLETED;
        status = ScsiStatus.GOOD;
        senseLength = 0;
        dataOutWanted = 0;
        dataInWanted = 0;
        dataOut.clear();
        dataIn.clear();
        return this;
    }

    /**
     * For the transport, after {@link #prepare}: the command was in flight when the last process
     * died, which may have carried it out, or a part of it.
     */
    public ScsiTask recovered(boolean on) {
        recovered = on;
        return this;
    }

    /** Whether the last process may have carried it out. */
    public boolean isRecovered() {
        return recovered;
    }

    /** The owner's number for this object. */
    public int index() {
        return index;
    }

    /** Eight bytes of LUN, the first one highest. */
    public long lun() {
        return lun;
    }

    /** Command identifier. */
    public long tag() {
        return tag;
    }

    public TaskAttribute attribute() {
        return attribute;
    }

    /** The CDB; {@link #cdbLength} bytes of it are the transport's to fill. */
    public byte[] cdb() {
        return cdb;
    }

    public int cdbLength() {
        return cdbLength;
    }

    /**
     * All of the Data-Out, by native address: no more than the target's {@link
     * ScsiTarget#maxTransferBytes}, else what the initiator announced. It may be in foreign memory.
     */
    public ScatterGatherList dataOut() {
        return dataOut;
    }

    /** Room for the Data-In, as {@link #dataOut}. It is filled from its beginning. */
    public ScatterGatherList dataIn() {
        return dataIn;
    }

    /** How it ended. All that follows counts for COMPLETED only. */
    public Outcome outcome() {
        return outcome;
    }

    /** What to deliver. */
    public ScsiStatus status() {
        return status;
    }

    /** Sense data, {@link #senseLength} bytes of it. */
    public byte[] sense() {
        return sense;
    }

    /** Bytes of sense data; more than 0 with CHECK CONDITION only. */
    public int senseLength() {
        return senseLength;
    }

    /**
     * Bytes of Data-Out that the command takes by its CDB. Less than the initiator announced is a
     * residual underflow, more an overflow.
     */
    public long dataOutWanted() {
        return dataOutWanted;
    }

    /**
     * Bytes of Data-In that the command gives, after truncation to the allocation length of its
     * CDB; {@link #dataInLength} are there. Less than the initiator announced is a residual
     * underflow, more an overflow.
     */
    public long dataInWanted() {
        return dataInWanted;
    }

    /** Bytes at the beginning of {@link #dataIn} to send to the initiator. */
    public int dataInLength() {
        return (int) Math.min(dataInWanted, dataIn.total());
    }

    /**
     * For the implementation of the nexus: the command ended with this status and no sense data.
     */
    public void result(ScsiStatus newStatus) {
        outcome = Outcome.COMPLETED;
        status = newStatus;
        senseLength = 0;
    }

    /**
     * For the implementation of the nexus: CHECK CONDITION with the first bytes of {@link #sense}.
     */
    public void checkCondition(int newSenseLength) {
        outcome = Outcome.COMPLETED;
        status = ScsiStatus.CHECK_CONDITION;
        senseLength = newSenseLength;
    }

    /** For the implementation of the nexus: no status is to be delivered. */
    public void aborted(Outcome how) {
        outcome = how;
    }

    /** For the implementation of the nexus: when it was submitted, {@link System#nanoTime}. */
    public long submittedAt() {
        return submittedAt;
    }

    /** For the implementation of the nexus: it is submitted now. */
    public void submitted(long now) {
        submittedAt = now;
    }

    /** For the implementation of the nexus: what the command would transfer, in bytes. */
    public void wanted(long out, long in) {
        dataOutWanted = out;
        dataInWanted = in;
    }
}
