package io.vireo.transport.iscsi;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.ScatterGatherList;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.transport.iscsi.IscsiTask.State;
import org.jspecify.annotations.Nullable;

/**
 * The SCSI commands of a session: takes their data in, asks for what is missing, hands them to the
 * nexus and has them answered.
 */
final class Commands {
    private static final TaskAttribute[] ATTRIBUTES = {
        // Untagged commands of RFC 7143, 11.3.1 are simple ones.
        TaskAttribute.SIMPLE,
        TaskAttribute.SIMPLE,
        TaskAttribute.ORDERED,
        TaskAttribute.HEAD_OF_QUEUE,
        TaskAttribute.ACA
    };

    private static final int REASON_TASK_IN_PROGRESS = 0x07;
    private static final int REMEMBERED = 64;

    /** What a PDU with data is. */
    private enum Incoming {
        COMMAND,
        UNSOLICITED,
        SOLICITED
    }

    private final Session session;
    private final ReactorSide side;
    private final Inbound inbound;
    private final SessionCounters counters;
    private final @Nullable IscsiTask[] tasks;
    private final int[] free;
    private final TagTable byTag;
    private final int maxTransfer;

    /** Tags of commands that have ended while data for them may still come: a ring. */
    private final int[] over = new int[REMEMBERED];

    private int overCount;
    private int freeCount;
    private int open;
    private int held;

    /** When data of a command came last. */
    private long lastData;

    // The PDU that is coming in.
    private @Nullable IscsiTask current;
    private int currentLength;
    private boolean currentEnds;
    private Incoming currentKind = Incoming.COMMAND;

    /**
     * @param most commands at once
     */
    Commands(
            Session session,
            ReactorSide side,
            Inbound inbound,
            int most,
            int maxTransfer,
            SessionCounters counters) {
        this.session = session;
        this.side = side;
        this.inbound = inbound;
        this.counters = counters;
        this.maxTransfer = Math.min(maxTransfer, side.pool().largest());
        tasks = new IscsiTask[most];
        free = new int[most];
        byTag = new TagTable(most);
        for (int i = 0; i < most; i++) {
            free[i] = most - 1 - i;
        }
        freeCount = most;
        lastData = side.reactor().nanoTime();
    }

    /** Commands whose answer is not written. */
    int open() {
        return open;
    }

    /** Bytes of the pool that the session holds. */
    int held() {
        return held;
    }

    /** The session holds more, or less, for something else. */
    void charge(int bytes) {
        held += bytes;
    }

    /** A SCSI Command PDU (RFC 7143, 11.3). */
    void command(long bhs, int additional, int data) {
        int tag = Wire.getInt(bhs + Pdu.ITT);
        if (freeCount == 0) {
            session.control().reject(bhs, Pdu.REASON_IMMEDIATE);
            return;
        }
        if (tag == Pdu.NO_TAG || byTag.find(tag) != null) {
            session.control().reject(bhs, REASON_TASK_IN_PROGRESS);
            return;
        }
        int flags = Wire.getU8(bhs + Pdu.FLAGS);
        long expected = Integer.toUnsignedLong(Wire.getInt(bhs + Pdu.EXPECTED_LENGTH));
        String rule = rule(flags, expected, data);
        if (rule != null) {
            session.violation(bhs, rule);
            return;
        }
        IscsiTask task = take(tag);
        task.reads = (flags & Pdu.COMMAND_READ) != 0;
        task.writes = (flags & Pdu.COMMAND_WRITE) != 0;
        task.expectedOut = task.writes ? expected : 0;
        task.expectedIn = task.reads && !task.writes ? expected : 0;
        if (!readCdb(task, bhs, additional, flags & Pdu.COMMAND_ATTRIBUTE)) {
            session.violation(bhs, "an additional header segment is malformed");
            return;
        }
        counters.command();
        task.wanted = (int) Math.min(task.expectedOut, maxTransfer);
        boolean more = (flags & Pdu.FINAL) == 0;
        begin(task, data, more);
    }

    private @Nullable String rule(int flags, long expected, int data) {
        SessionParameters parameters = session.parameters();
        boolean writes = (flags & Pdu.COMMAND_WRITE) != 0;
        if ((flags & Pdu.COMMAND_ATTRIBUTE) >= ATTRIBUTES.length) {
            return "a task attribute is reserved";
        }
        if (data > 0 && !(writes && parameters.immediateData())) {
            return "immediate data were not agreed on";
        }
        if (data > parameters.firstBurst() || data > expected) {
            return "there are more immediate data than announced or agreed on";
        }
        if ((flags & Pdu.FINAL) == 0 && (!writes || parameters.initialR2T())) {
            return "unsolicited data were not agreed on";
        }
        return null;
    }

    private IscsiTask take(int tag) {
        int index = free[--freeCount];
        IscsiTask task = tasks[index];
        if (task == null) {
            task = new IscsiTask(session, index);
            tasks[index] = task;
        }
        task.begin(tag);
        task.since = side.reactor().nanoTime();
        task.counted = true;
        open++;
        byTag.put(task);
        return task;
    }

    /** Copies the CDB, and what additional header segments say (11.2.2). */
    private static boolean readCdb(IscsiTask task, long bhs, int additional, int attribute) {
        int length = Pdu.CDB_LENGTH;
        long extension = 0;
        int at = 0;
        while (at < additional) {
            long segment = bhs + Pdu.BHS + at;
            int size = Wire.getU16(segment);
            int type = Wire.getU8(segment + 2);
            at += 3 + size + Pdu.padding(3 + size);
            if (size < 1 || at > additional) {
                return false;
            }
            if (type == Pdu.AHS_EXTENDED_CDB) {
                extension = segment + 4;
                length = Pdu.CDB_LENGTH + size - 1;
            } else if (type == Pdu.AHS_BIDIRECTIONAL_LENGTH && size == 5) {
                task.expectedIn = task.reads ? Integer.toUnsignedLong(Wire.getInt(segment + 4)) : 0;
            } else {
                return false;
            }
        }
        if (length > ScsiTask.MAX_CDB) {
            return false;
        }
        task.scsi.prepare(
                Wire.getLong(bhs + Pdu.LUN),
                Integer.toUnsignedLong(task.tag),
                ATTRIBUTES[attribute],
                length);
        byte[] cdb = task.scsi.cdb();
        ForeignMemory.copyToArray(bhs + Pdu.CDB, cdb, 0, Pdu.CDB_LENGTH);
        if (extension != 0) {
            ForeignMemory.copyToArray(extension, cdb, Pdu.CDB_LENGTH, length - Pdu.CDB_LENGTH);
        }
        return true;
    }

    /** Makes room for what comes unasked. */
    private void begin(IscsiTask task, int data, boolean more) {
        int first =
                more ? (int) Math.min(task.expectedOut, session.parameters().firstBurst()) : data;
        if (first > 0 && !hold(task, first)) {
            counters.full();
            if (more) {
                remember(task.tag);
            }
            task.fail(ScsiStatus.TASK_SET_FULL);
            return;
        }
        task.unsolicited = more;
        if (data > 0) {
            inbound.direct(task.out, 0);
        }
        current = task;
        currentLength = data;
        currentEnds = false;
        currentKind = Incoming.COMMAND;
    }

    private boolean hold(IscsiTask task, int length) {
        int cost = BufferPool.cost(length);
        if (held > 0 && held + cost > side.share()) {
            return false;
        }
        if (!side.pool().add(task.out, length, true)) {
            session.goesShort();
            return false;
        }
        task.held += cost;
        held += cost;
        return true;
    }

    /** A SCSI Data-Out PDU (11.7). */
    void dataOut(long bhs, int data) {
        int tag = Wire.getInt(bhs + Pdu.ITT);
        IscsiTask task = byTag.find(tag);
        if (task == null || task.state != State.COLLECTING) {
            if (!isOver(tag)) {
                session.control().reject(bhs, Pdu.REASON_INVALID_FIELD);
            }
            return;
        }
        boolean ends = (Wire.getU8(bhs + Pdu.FLAGS) & Pdu.FINAL) != 0;
        boolean solicited = Wire.getInt(bhs + Pdu.TTT) != Pdu.NO_TAG;
        String rule =
                solicited ? solicitedRule(task, bhs, data, ends) : unsolicitedRule(task, bhs, data);
        if (rule != null) {
            session.violation(bhs, rule);
            return;
        }
        if (data > 0) {
            inbound.direct(task.out, task.received);
        }
        current = task;
        currentLength = data;
        currentEnds = ends;
        currentKind = solicited ? Incoming.SOLICITED : Incoming.UNSOLICITED;
    }

    private @Nullable String solicitedRule(IscsiTask task, long bhs, int data, boolean ends) {
        if (Wire.getInt(bhs + Pdu.TTT) != task.expectedTag()) {
            return "data answer no R2T, or not in the order of R2Ts";
        }
        checkNumber(task, bhs, task.expectedSn());
        if (Wire.getInt(bhs + Pdu.BUFFER_OFFSET) != task.received) {
            return "data do not follow those before";
        }
        int end = task.received + data;
        if (end > task.expectedEnd() || ends != (end == task.expectedEnd())) {
            return "data are more or less than an R2T asked for";
        }
        return null;
    }

    private @Nullable String unsolicitedRule(IscsiTask task, long bhs, int data) {
        if (!task.unsolicited) {
            return "data come unasked";
        }
        checkNumber(task, bhs, task.unsolicitedSn);
        if (Wire.getInt(bhs + Pdu.BUFFER_OFFSET) != task.received) {
            return "data do not follow those before";
        }
        if (task.received + data > task.out.total()) {
            return "more data come unasked than was agreed on";
        }
        return null;
    }

    /** A wrong DataSN spoils the command (RFC 7143, 7.9). */
    private void checkNumber(IscsiTask task, long bhs, int expected) {
        if (!task.spoiled && Wire.getInt(bhs + Pdu.DATA_SN) != expected) {
            task.spoiled = true;
            counters.violation();
        }
    }

    /** Whether data of a command are coming in. */
    boolean isReceiving() {
        return current != null;
    }

    /** The PDU is there with all of its data. Returns false if it was none for a command. */
    boolean complete() {
        IscsiTask task = current;
        if (task == null) {
            return false;
        }
        current = null;
        task.received += currentLength;
        task.since = side.reactor().nanoTime();
        if (currentLength > 0) {
            lastData = task.since;
        }
        switch (currentKind) {
            case COMMAND -> {}
            case UNSOLICITED -> {
                task.unsolicitedSn++;
                task.unsolicited = !currentEnds;
            }
            case SOLICITED -> {
                task.answered();
                if (currentEnds) {
                    task.r2tDone();
                }
            }
        }
        progress(task);
        return true;
    }

    /**
     * The same, but its data are damaged: its command ends with that when all that were asked for
     * are in.
     */
    boolean completeSpoiled() {
        IscsiTask task = current;
        if (task != null) {
            task.spoiled = true;
        }
        return complete();
    }

    private void progress(IscsiTask task) {
        if (task.unsolicited) {
            return;
        }
        if (task.received > task.wanted) {
            // Announced more than any command transfers, and sent it: the command set refuses it.
            task.received = task.wanted;
        }
        if (task.requested < task.received) {
            task.requested = task.received;
        }
        if (task.out.total() < task.wanted) {
            acquire(task);
        } else if (!task.isCollected()) {
            task.askForData();
        } else {
            acquire(task);
        }
    }

    // Memory.

    private void acquire(IscsiTask task) {
        if (missingOut(task) == 0 && missingIn(task) == 0) {
            submit(task);
            return;
        }
        if (mayHold(task) && !side.isAwaited() && takeMemory(task)) {
            hasMemory(task);
        } else {
            task.state = State.WAITING;
            side.await(task);
            // Those before it may wait for their sessions' shares, and not for memory.
            side.released();
        }
    }

    private static int missingOut(IscsiTask task) {
        return (int) (task.wanted - Math.min(task.wanted, task.out.total()));
    }

    private int missingIn(IscsiTask task) {
        return (int) (Math.min(task.expectedIn, maxTransfer) - task.in.total());
    }

    /** Whether the session's share allows for what the task needs. */
    boolean mayHold(IscsiTask task) {
        int cost = BufferPool.cost(missingOut(task)) + BufferPool.cost(missingIn(task));
        return held == 0 || held + cost <= side.share();
    }

    /** Takes what a task needs to end. Returns false if there is not enough. */
    boolean takeMemory(IscsiTask task) {
        return add(task, task.out, missingOut(task)) && add(task, task.in, missingIn(task));
    }

    private boolean add(IscsiTask task, ScatterGatherList list, int length) {
        if (length == 0) {
            return true;
        }
        if (!side.pool().add(list, length, false)) {
            return false;
        }
        int cost = BufferPool.cost(length);
        task.held += cost;
        held += cost;
        return true;
    }

    /** A task has the memory that it needs. */
    void hasMemory(IscsiTask task) {
        task.state = State.COLLECTING;
        task.ticks = 0;
        task.since = side.reactor().nanoTime();
        if (task.isCollected()) {
            submit(task);
        } else {
            task.askForData();
        }
    }

    private void submit(IscsiTask task) {
        if (task.spoiled) {
            task.failSpoiled();
            return;
        }
        task.state = State.RUNNING;
        if (task.wanted > 0) {
            task.scsi.dataOut().addSlice(task.out, 0, task.wanted);
            counters.written(task.wanted);
        }
        if (task.in.total() > 0) {
            task.scsi.dataIn().addSlice(task.in, 0, task.in.total());
        }
        session.nexus().submit(task.scsi);
    }

    // Ends.

    /** The command set is done with a task. */
    void completed(ScsiTask scsi) {
        IscsiTask task = tasks[scsi.index()];
        if (task == null) {
            throw new IllegalStateException("a task of another session");
        }
        if (scsi.outcome() == ScsiTask.Outcome.COMPLETED && session.isOpen()) {
            counters.read(scsi.dataInLength());
            task.reply();
        } else {
            release(task);
        }
    }

    /** The last PDU of a task is being written. */
    void ending(IscsiTask task) {
        if (task.counted) {
            task.counted = false;
            open--;
        }
    }

    /** A task is over: all that it holds is given back. */
    void release(IscsiTask task) {
        if (task.state == State.FREE) {
            return;
        }
        ending(task);
        counters.ended();
        byTag.remove(task);
        task.state = State.FREE;
        free[freeCount++] = task.index;
        held -= task.held;
        task.held = 0;
        side.pool().release(task.out);
        side.pool().release(task.in);
        side.released();
    }

    /** Places for commands that are free. */
    int free() {
        return freeCount;
    }

    /** The task of a tag, if it has not been answered. */
    @Nullable IscsiTask find(int tag) {
        return byTag.find(tag);
    }

    /** Ends a task that the command set has not seen, without an answer. */
    void abandon(IscsiTask task) {
        if (task.state == State.WAITING) {
            side.forget(task);
        } else if (task.state != State.COLLECTING) {
            return;
        }
        remember(task.tag);
        if (task.isAsking()) {
            task.state = State.LEAVING;
        } else {
            release(task);
        }
    }

    /** Ends all tasks that the command set has not seen. */
    void abandonAll() {
        current = null;
        for (IscsiTask task : tasks) {
            if (task != null) {
                abandon(task);
            }
        }
    }

    /** Ends those of one logical unit. */
    void abandonAll(long lun) {
        for (IscsiTask task : tasks) {
            if (task != null && task.scsi.lun() == lun) {
                abandon(task);
            }
        }
    }

    /**
     * Whether a command waits since before {@code deadline} for data that were asked for, and no
     * other had any since: an initiator may send them one after the other.
     */
    boolean isStuck(long deadline) {
        if (lastData - deadline >= 0) {
            return false;
        }
        for (IscsiTask task : tasks) {
            if (task != null
                    && task.state == State.COLLECTING
                    && task.awaitsData()
                    && task.since - deadline < 0) {
                return true;
            }
        }
        return false;
    }

    /**
     * Called at each tick. Whether a command keeps memory that its initiator could have had it give
     * back for more than so many ticks: by sending what was asked for, or reading what was sent.
     */
    boolean hoards(int most) {
        boolean hoards = false;
        for (IscsiTask task : tasks) {
            if (task != null && task.held > 0 && isWithInitiator(task)) {
                hoards |= ++task.ticks > most;
            }
        }
        return hoards;
    }

    private static boolean isWithInitiator(IscsiTask task) {
        return task.state == State.REPLYING || task.state == State.COLLECTING && task.awaitsData();
    }

    private void remember(int tag) {
        over[overCount++ & REMEMBERED - 1] = tag;
    }

    private boolean isOver(int tag) {
        int count = overCount < 0 ? REMEMBERED : Math.min(overCount, REMEMBERED);
        for (int i = 0; i < count; i++) {
            if (over[i] == tag) {
                return true;
            }
        }
        return false;
    }
}
