package io.vireo.device.scsi;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.CacheModeListener;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A logical unit over a {@link BlockDevice}: a task set, mode parameters, reservations, unit
 * attentions. It has one owner reactor, on which everything runs but what is said otherwise, so
 * that it is one unit with one state by however many targets it is reached.
 *
 * <p>Memory of a guest may vanish in the middle of a turn, or another guest's may and the {@link
 * InternalError} arrives here. The next turn then ends the command that was cut off.
 */
final class LogicalUnit implements Poller {
    /** Tasks in its task set at most; one more ends with TASK SET FULL. */
    static final int MAX_TASKS = 1024;

    /** Of these, how many are for targets with reserved rates, if there are such. */
    static final int KEPT_TASKS = 128;

    /** Tasks that each nexus may have whatever others do, unless there are many of them. */
    static final int SHARE = 32;

    /** Bytes that a command transfers at most. */
    static final int MAX_TRANSFER = 4 << 20;

    private final UnitIdentity identity;
    private final int group;
    private final BlockDevice block;
    private final Reactor owner;
    private final SharedRoom room;
    private final ModePages modes;
    private final CopyManager copies = new CopyManager(this);
    private final Tokens tokens = new Tokens(this);
    private final Reservations reservations;
    private final PortGroups portGroups = new PortGroups();
    private final CacheKnowledge cacheKnowledge = new CacheKnowledge();
    private final UnitState condition;
    private final List<UnitNexus> nexuses = new ArrayList<>();
    private final List<UnitTarget> targets = new CopyOnWriteArrayList<>();
    private final List<Nexus> unsettled = new ArrayList<>();
    private final Runnable geometryListener;
    private final CacheModeListener cacheModeListener;

    private final TaskSet tasks = new TaskSet(this);

    private final UnitChannel io;
    private final Runnable endOfTurn = this::endTurn;

    /** Whether {@link #endTurn} will run, or does. */
    private boolean ending;

    /** Whether tasks were started since the disk was looked at. */
    private boolean owesLook;

    /** Requests that were looked after since the last turn. */
    private int work;

    private byte[] buffer = {};
    private @Nullable Slot current;

    private @Nullable Registration registration;
    private volatile BlockGeometry geometry;

    /**
     * A unit; any thread.
     *
     * @param group number of its logical unit group, which it is alone in: what initiators set of
     *     target port groups is of this unit only
     * @param owner where it runs: the device's home, where it has one
     * @param kept what survives of persistent reservations
     * @param wiped what survives of a wipe that is not done
     * @param room that it shares
     */
    LogicalUnit(
            UnitIdentity identity,
            int group,
            BlockDevice block,
            Reactor owner,
            UnitRecord kept,
            UnitRecord wiped,
            SharedRoom room) {
        this.room = room;
        modes = new ModePages(room);
        this.identity = identity;
        this.group = group;
        this.block = block;
        this.owner = owner;
        reservations = new Reservations(kept, owner);
        condition = new UnitState(identity.name(), wiped);
        io = new UnitChannel(this, block, owner);
        geometry = block.geometry();
        geometryListener = () -> owner.execute(this::geometryChanged);
        block.addGeometryListener(geometryListener);
        cacheModeListener = taken -> owner.execute(() -> cacheModeChanged(taken));
        block.addCacheModeListener(cacheModeListener);
        modes.writeThrough(block.writeThrough());
    }

    /** Any thread. */
    UnitIdentity identity() {
        return identity;
    }

    /** Number of its logical unit group; any thread. */
    int group() {
        return group;
    }

    /** Any thread. */
    Reactor owner() {
        return owner;
    }

    /** Any thread. */
    BlockDevice block() {
        return block;
    }

    /** Any thread. */
    BlockGeometry geometry() {
        return geometry;
    }

    /** Any thread. */
    SharedRoom room() {
        return room;
    }

    ModePages modes() {
        return modes;
    }

    Reservations reservations() {
        return reservations;
    }

    PortGroups portGroups() {
        return portGroups;
    }

    CacheKnowledge cacheKnowledge() {
        return cacheKnowledge;
    }

    UnitState condition() {
        return condition;
    }

    CopyManager copies() {
        return copies;
    }

    Tokens tokens() {
        return tokens;
    }

    TaskSet tasks() {
        return tasks;
    }

    /** What its disk does. */
    UnitChannel io() {
        return io;
    }

    /** What READ BUFFER and WRITE BUFFER are about. */
    byte[] buffer() {
        if (buffer.length == 0) {
            buffer = new byte[BufferCommands.BUFFER];
        }
        return buffer;
    }

    List<UnitNexus> nexuses() {
        return nexuses;
    }

    /** The targets by which it can be reached; any thread. */
    List<UnitTarget> targets() {
        return targets;
    }

    /** It can be reached by a target from now on; any thread. */
    void addTarget(UnitTarget target) {
        if (!targets.contains(target)) {
            targets.add(target);
        }
    }

    /** Takes {@link #addTarget} back; any thread. */
    void removeTarget(UnitTarget target) {
        targets.remove(target);
        owner.execute(() -> portGroups.forget(target));
    }

    /** A target was given another access state. */
    void accessGiven(UnitTarget target) {
        portGroups.forget(target);
        nexuses.forEach(nexus -> nexus.attention(Sense.ASYMMETRIC_ACCESS_STATE_CHANGED));
    }

    /** Number of logical blocks. */
    long blocks() {
        return geometry.capacity() / geometry.logicalBlockSize();
    }

    int blockSize() {
        return geometry.logicalBlockSize();
    }

    int blockShift() {
        return Integer.numberOfTrailingZeros(geometry.logicalBlockSize());
    }

    boolean can(BlockOperation operation) {
        return block.operations().contains(operation);
    }

    /** Whether the unit is write protected for this nexus. */
    boolean writeProtected(UnitNexus nexus) {
        return nexus.mapping.readOnly()
                || modes.softwareWriteProtect()
                || !can(BlockOperation.WRITE);
    }

    // Nexuses.

    /** A nexus begins to see the unit. */
    void attach(UnitNexus nexus) {
        if (registration == null) {
            open();
        }
        nexus.attentions.add(Sense.POWER_ON_OR_RESET);
        nexus.begins();
        nexuses.add(nexus);
        io.attach(nexus);
    }

    /** The rates of a target have changed, or what they hold back may pass. */
    void lookAgain() {
        Registration added = registration;
        if (added != null) {
            added.wake();
        }
    }

    private void open() {
        Registration added = owner.add(this);
        registration = added;
        io.open(added::wake);
    }

    /**
     * A nexus ends, or sees the unit no more; {@code onDone} runs when its tasks have ended.
     *
     * @param sense how its tasks end if the nexus goes on; {@link Sense#NONE}: it ends
     */
    void detach(UnitNexus nexus, int sense, Runnable onDone) {
        nexus.ends();
        copies.nexusLost(nexus);
        var all =
                new Barrier(() -> {
                    nexuses.remove(nexus);
                    io.detach(nexus);
                    reservations.nexusLost(nexus);
                    onDone.run();
                });
        if (sense == Sense.NONE) {
            tasks.abortGone(nexus, all);
        } else {
            tasks.remove(nexus, sense, all);
        }
        all.passed();
        tasks.admitWaiting();
    }

    /** Gives everything back; no nexus is left. Any thread. */
    void close(Runnable onClosed) {
        block.removeGeometryListener(geometryListener);
        block.removeCacheModeListener(cacheModeListener);
        owner.execute(() -> {
            Registration running = registration;
            if (running == null) {
                onClosed.run();
                return;
            }
            io.close(() -> {
                running.close();
                condition.close();
                tokens.close();
                // What its channel looks at may be unmapped.
                owesLook = false;
                onClosed.run();
            });
        });
    }

    private void geometryChanged() {
        geometry = block.geometry();
        nexuses.forEach(nexus -> nexus.attention(Sense.CAPACITY_DATA_CHANGED));
    }

    private void cacheModeChanged(Runnable taken) {
        modes.writeThrough(block.writeThrough());
        nexuses.forEach(nexus -> nexus.attention(Sense.MODE_PARAMETERS_CHANGED));
        taken.run();
    }

    /** The pool has become nearly full. */
    void thresholdReached() {
        if (modes.reportsThresholds()) {
            nexuses.forEach(nexus -> nexus.attention(Sense.SOFT_THRESHOLD_REACHED));
        }
    }

    /** The operator maps it: it is there again if an initiator had ejected it. Any thread. */
    void load() {
        owner.execute(() -> {
            if (condition.ejected()) {
                condition.ejected(false);
                nexuses.forEach(nexus -> nexus.attention(Sense.MEDIUM_MAY_HAVE_CHANGED));
            }
        });
    }

    /** Whether a nexus that sees it wants its medium to stay. */
    boolean keepsMedium() {
        for (UnitNexus nexus : nexuses) {
            if (nexus.preventsRemoval) {
                return true;
            }
        }
        return false;
    }

    /** Establishes a unit attention condition for all nexuses but one. */
    void attentionToOthers(UnitNexus cause, int code) {
        for (UnitNexus nexus : nexuses) {
            if (nexus != cause) {
                nexus.attention(code);
            }
        }
    }

    // Tasks.

    /** Takes a task. */
    void submit(ScsiTask task, UnitNexus nexus, @Nullable Carrier carrier) {
        Slot slot = nexus.detached || isKept(nexus) ? null : tasks.take();
        if (slot == null) {
            task.result(nexus.detached ? ScsiStatus.BUSY : ScsiStatus.TASK_SET_FULL);
            nexus.nexus.deliver(task, carrier, nexus);
            return;
        }
        slot.begin(task, nexus, carrier, CommandTable.ALL.find(task.cdb()));
        nexus.tasks++;
        if (!tasks.admit(slot)) {
            slot.end(ScsiStatus.BUSY);
        }
    }

    /**
     * Whether the places that are left are for others: for those who have something reserved, or
     * for those who have few tasks.
     */
    private boolean isKept(UnitNexus nexus) {
        int left = MAX_TASKS - tasks.count();
        if (left > KEPT_TASKS) {
            return false;
        }
        int others = nexuses.size() - 1;
        int share = others == 0 ? 0 : Math.min(SHARE, KEPT_TASKS / others);
        return (io.isCommitted() && !nexus.nexus.target().isCommitted())
                || (nexus.tasks >= share && left <= share * others);
    }

    /** Begins a task that was admitted. */
    void start(Slot slot) {
        // The next turn looks after a command that is cut off here.
        Objects.requireNonNull(registration).wake();
        owesLook = true;
        if (!ending) {
            ending = true;
            owner.atEndOfTurn(endOfTurn);
        }
        current = slot;
        dispatch(slot);
        current = null;
    }

    private void dispatch(Slot slot) {
        Command command = slot.command();
        UnitNexus nexus = slot.nexus();
        ScsiTask task = slot.task();
        boolean attentive =
                (command == null || !command.has(Command.IGNORES_ATTENTION)) && !slot.isInternal();
        if (attentive && !nexus.attentions.isEmpty()) {
            int condition = nexus.attentions.take();
            slot.fail(condition, Sense.information(condition), Sense.NO_SPECIFIC);
        } else if (task.attribute() == TaskAttribute.ACA) {
            slot.fail(Sense.INVALID_MESSAGE_ERROR);
        } else if (command == null || !command.isOf(this)) {
            refuseUnknown(slot);
        } else if (task.cdbLength() < command.length()) {
            slot.fail(Sense.INVALID_FIELD_IN_CDB);
        } else if (task.isRecovered() && command.changesOnce()) {
            // Nobody knows how far it has got; the initiator has to look.
            slot.fail(Sense.COMMANDS_CLEARED_BY_DEVICE_SERVER);
        } else {
            dispatch(slot, command, nexus);
        }
    }

    private static void refuseUnknown(Slot slot) {
        if (CommandTable.ALL.hasActions(slot.cdb()[0] & 0xFF)) {
            slot.invalidField(Command.actionAt(slot.cdb()));
        } else {
            slot.fail(Sense.INVALID_OPERATION_CODE, Sense.NO_INFORMATION, Sense.cdbByte(0));
        }
    }

    private void dispatch(Slot slot, Command command, UnitNexus nexus) {
        int reserved = command.reservedBit(slot.cdb());
        int unavailable = obstacle(command, portGroups.obstacle(nexus.nexus.target()));
        if (reserved != Sense.NO_SPECIFIC) {
            slot.fail(Sense.INVALID_FIELD_IN_CDB, Sense.NO_INFORMATION, reserved);
        } else if (unavailable != Sense.NONE) {
            slot.fail(unavailable);
        } else if (reservations.conflicts(nexus, command.access())) {
            slot.end(ScsiStatus.RESERVATION_CONFLICT);
        } else if (obstacle(command, condition.obstacle()) != Sense.NONE) {
            slot.fail(condition.obstacle(), Sense.NO_INFORMATION, condition.progress());
        } else if (command.has(Command.MODIFIES) && writeProtected(nexus)) {
            slot.fail(Sense.WRITE_PROTECTED);
        } else {
            command.handler().start(slot);
        }
    }

    /** Whether what hinders most commands is in the way of this one: it, or {@link Sense#NONE}. */
    private static int obstacle(Command command, int code) {
        boolean media = code == Sense.NOT_READY_STANDBY || code == Sense.STOPPED;
        boolean passes =
                command.has(Command.ANY_STATE) || media && command.has(Command.NEEDS_NO_MEDIUM);
        return passes ? Sense.NONE : code;
    }

    /** A slot has its results. */
    void ended(Slot slot) {
        ScsiTask task = slot.task();
        ScsiTask.Outcome abort = slot.abort;
        if (abort != null) {
            if (slot.abortWithStatus) {
                task.result(ScsiStatus.TASK_ABORTED);
            } else if (slot.abortSense != Sense.NONE) {
                slot.checkCondition(slot.abortSense, Sense.NO_INFORMATION, Sense.NO_SPECIFIC);
            } else {
                task.aborted(abort);
            }
        }
        UnitNexus nexus = slot.nexus();
        Carrier carrier = slot.carrier();
        List<Barrier> barriers = slot.barriers();
        tasks.release(slot);
        if (carrier != null && carrier.isInternal()) {
            // The next part of its copy passes what waits: now is their turn.
            tasks.admitWaiting();
        }
        nexus.nexus.deliver(task, carrier, nexus);
        for (int i = 0; i < barriers.size(); i++) {
            barriers.get(i).passed();
        }
        if (tasks.waits()) {
            Objects.requireNonNull(registration).wake();
        }
    }

    /** A nexus of this reactor was told something outside of its own call. */
    void unsettled(Nexus nexus) {
        unsettled.add(nexus);
        Registration added = registration;
        if (added != null) {
            added.wake();
        }
    }

    // I/O.

    /** The memory that a slot waited for is there. */
    void resume(Slot slot) {
        current = slot;
        Objects.requireNonNull(slot.step).next(slot);
        current = null;
    }

    /** The request of a slot has ended. */
    void completed(Slot slot, BlockStatus status) {
        slot.busy = false;
        current = slot;
        if (slot.abort == null && slot.wantedBack && status == BlockStatus.CANCELLED) {
            slot.abort = ScsiTask.Outcome.TAKEN_BACK;
        }
        if (slot.abort != null) {
            ended(slot);
        } else {
            slot.proceed(status);
        }
        current = null;
    }

    @Override
    public String name() {
        return "logical unit " + identity.name();
    }

    @Override
    public int poll() {
        look();
        int done = work;
        work = 0;
        return done;
    }

    /**
     * Whoever was polled before the unit in this turn has its tasks begin, and end if the disk is
     * that fast, without another turn.
     */
    private void endTurn() {
        try {
            if (owesLook) {
                look();
            }
        } finally {
            ending = false;
        }
    }

    private void look() {
        owesLook = false;
        recover();
        work += io.poll();
        tasks.admitWaiting();
        for (int i = 0; i < unsettled.size(); i++) {
            unsettled.get(i).settle();
        }
        unsettled.clear();
    }

    private void recover() {
        Slot cut = current;
        if (cut != null) {
            current = null;
            if (cut.state != Slot.State.FREE && !cut.busy) {
                cut.fail(Sense.DATA_PHASE_ERROR);
            }
        }
    }

    @Override
    public boolean arm() {
        return current == null && unsettled.isEmpty() && !tasks.canAdmit() && io.arm();
    }

    @Override
    public void disarm() {
        io.disarm();
    }

    /** Logical unit reset (SAM-5, 6.3.3), on behalf of a nexus. */
    void reset(UnitNexus cause, Barrier all) {
        tasks.abortAll(cause, ScsiTask.Outcome.RESET, all);
        copies.cancelAll();
        reservations.unitReset();
        modes.reset();
        for (UnitNexus nexus : nexuses) {
            nexus.preventsRemoval = false;
            nexus.attentions.replaceAll(Sense.DEVICE_RESET);
        }
        tasks.admitWaiting();
    }
}
