package io.vireo.device.scsi;

import io.vireo.reactor.Reactor;
import io.vireo.scsi.NexusListener;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiPort;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskManagement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** An I_T nexus: routes tasks to the logical units that its target maps. Of its own reactor. */
final class Nexus implements ScsiNexus {
    private final UnitTarget target;
    private final ScsiInitiator initiator;
    private final ScsiPort port;
    private final Reactor reactor;
    private final NexusListener listener;
    private final ArrayDeque<Crossing> crossings = new ArrayDeque<>();
    private final List<Runnable> whenClosed = new ArrayList<>();

    /** By LUN. */
    private @Nullable UnitNexus[] units = {};

    private int inFlight;

    /** When the turn began in which something ended last, and when that was. */
    private long turn;

    private long endedAt;

    /** Calls of the transport that are under way. */
    private int depth;

    private boolean hurried;
    private boolean settleOwed;
    private boolean closed;
    private boolean gone;

    Nexus(
            UnitTarget target,
            ScsiInitiator initiator,
            ScsiPort port,
            Reactor reactor,
            NexusListener listener) {
        this.target = target;
        this.initiator = initiator;
        this.port = port;
        this.reactor = reactor;
        this.listener = listener;
    }

    UnitTarget target() {
        return target;
    }

    ScsiInitiator initiator() {
        return initiator;
    }

    ScsiPort port() {
        return port;
    }

    Reactor reactor() {
        return reactor;
    }

    @Override
    public int inFlight() {
        return inFlight;
    }

    // Tasks.

    @Override
    public void submit(ScsiTask task) {
        task.submitted(reactor.nanoTime());
        int lun = Luns.decode(task.lun());
        UnitNexus to = find(lun);
        if (inFlight++ >= target.queueDepth()) {
            task.result(ScsiStatus.TASK_SET_FULL);
            ended(task, to);
        } else if (to == null) {
            try {
                AbsentUnit.execute(task, lun, target);
            } finally {
                // The initiator's memory may be gone: it has ended all the same.
                ended(task, null);
            }
        } else if (to.direct) {
            depth++;
            try {
                to.unit.submit(task, to, null);
            } finally {
                depth--;
            }
        } else {
            Crossing crossing = crossings.poll();
            (crossing == null ? new Crossing(this) : crossing).send(task, to);
        }
    }

    @Override
    public void hurry(boolean on) {
        hurried = on;
        for (UnitNexus unit : present()) {
            on(unit, () -> unit.unit.io().hurry(unit, on));
        }
    }

    @Override
    public void takeBack(ScsiTask task) {
        UnitNexus at = find(Luns.decode(task.lun()));
        if (at != null) {
            on(at, () -> at.unit.tasks().takeBack(task));
        }
    }

    private void ended(ScsiTask task, @Nullable UnitNexus at) {
        inFlight--;
        if (at != null) {
            at.meter.ended(task, time());
        }
        listener.completed(task);
    }

    /** One look at the clock in a turn will do: nobody is that exact. */
    private long time() {
        if (turn != reactor.nanoTime()) {
            turn = reactor.nanoTime();
            endedAt = System.nanoTime();
        }
        return endedAt;
    }

    private @Nullable UnitNexus find(int lun) {
        return lun >= 0 && lun < units.length && !closed ? units[lun] : null;
    }

    /** A task has ended, on the unit's reactor. */
    void deliver(ScsiTask task, @Nullable Carrier carrier, UnitNexus from) {
        if (carrier != null) {
            carrier.sendBack();
            return;
        }
        ended(task, from);
        if (depth == 0 && !settleOwed) {
            settleOwed = true;
            from.unit.unsettled(this);
        }
    }

    /** A task has come back from another reactor. */
    void returned(Crossing crossing, ScsiTask task, UnitNexus from) {
        crossings.push(crossing);
        ended(task, from);
        settleSoon();
    }

    private void settleSoon() {
        if (!settleOwed) {
            settleOwed = true;
            reactor.execute(this::settle);
        }
    }

    /** What was told so far is all for now. */
    void settle() {
        settleOwed = false;
        listener.settled();
    }

    // Task management.

    @Override
    public void manage(TaskManagement function) {
        switch (function.function()) {
            case I_T_NEXUS_RESET -> {
                function.result(TaskManagement.Response.FUNCTION_COMPLETE, 0);
                onAll(UnitManagement::nexusReset, function);
            }
            case TARGET_WARM_RESET, TARGET_COLD_RESET -> {
                function.result(TaskManagement.Response.FUNCTION_COMPLETE, 0);
                onAll(UnitManagement::unitReset, function);
            }
            case CLEAR_ACA -> {
                function.result(TaskManagement.Response.FUNCTION_REJECTED, 0);
                tellManaged(function);
            }
            case ABORT_TASK,
                    ABORT_TASK_SET,
                    CLEAR_TASK_SET,
                    LOGICAL_UNIT_RESET,
                    QUERY_TASK,
                    QUERY_TASK_SET,
                    QUERY_ASYNCHRONOUS_EVENT -> {
                UnitNexus to = find(Luns.decode(function.lun()));
                if (to == null) {
                    function.result(TaskManagement.Response.INCORRECT_LOGICAL_UNIT_NUMBER, 0);
                    tellManaged(function);
                } else {
                    Runnable done = () -> tellManaged(function);
                    on(to, () -> UnitManagement.execute(to, function, done));
                }
            }
        }
    }

    /** Does something to a unit, on its reactor. */
    private interface OnUnit {
        void run(UnitNexus unit, Runnable done);
    }

    private void onAll(OnUnit what, TaskManagement function) {
        List<UnitNexus> all = present();
        if (all.isEmpty()) {
            tellManaged(function);
            return;
        }
        var left = new AtomicInteger(all.size());
        for (UnitNexus unit : all) {
            on(
                    unit,
                    () ->
                            what.run(
                                    unit,
                                    () -> {
                                        if (left.decrementAndGet() == 0) {
                                            tellManaged(function);
                                        }
                                    }));
        }
    }

    private List<UnitNexus> present() {
        var present = new ArrayList<UnitNexus>();
        for (UnitNexus unit : units) {
            if (unit != null) {
                present.add(unit);
            }
        }
        return present;
    }

    /** Tells, on any reactor, all units that this nexus sees now. */
    void look(Reactor on, Consumer<List<UnitNexus>> then) {
        reactor.execute(() -> {
            List<UnitNexus> seen = closed ? List.of() : present();
            on.execute(() -> then.accept(seen));
        });
    }

    private static void on(UnitNexus unit, Runnable task) {
        if (unit.direct) {
            task.run();
        } else {
            unit.unit.owner().execute(task);
        }
    }

    /** Any thread; after what was told before. */
    private void tellManaged(TaskManagement function) {
        reactor.execute(() -> {
            listener.managed(function);
            settleSoon();
        });
    }

    // Events.

    /** A unit attention condition was established, on the unit's reactor. */
    void changed(UnitNexus unit, int code) {
        reactor.execute(() -> {
            if (!closed) {
                listener.unitChanged(Luns.encode(unit.lun), code >> 8 & 0xFF, code & 0xFF);
                settleSoon();
            }
        });
    }

    /** The link of the target has changed. */
    void linkChanged() {
        if (!closed) {
            listener.linkChanged(target.isLinkUp());
        }
    }

    /** The nexus begins: attaches to all units that are mapped. */
    void open() {
        for (UnitTarget.Mapping mapping : target.mappings().values()) {
            attach(mapping);
        }
    }

    private void attach(UnitTarget.Mapping mapping) {
        if (mapping.lun() >= units.length) {
            units = Arrays.copyOf(units, Math.max(mapping.lun() + 1, units.length * 2));
        }
        var unit = new UnitNexus(this, mapping);
        units[mapping.lun()] = unit;
        unit.hurried = hurried;
        on(unit, () -> unit.unit.attach(unit));
    }

    /**
     * The target's mappings have changed: follows them. {@code onDone} runs, on this reactor, when
     * all tasks of units that are gone have ended.
     */
    void remap(Runnable onDone) {
        if (closed) {
            if (gone) {
                onDone.run();
            } else {
                whenClosed.add(onDone);
            }
            return;
        }
        var left = new AtomicInteger(1);
        Runnable passed =
                () -> {
                    if (left.decrementAndGet() == 0) {
                        onDone.run();
                    }
                };
        List<UnitNexus> kept = new ArrayList<>();
        for (UnitNexus unit : present()) {
            UnitTarget.Mapping mapping = target.mappings().get(unit.lun);
            if (mapping != null && mapping.isSame(unit.mapping)) {
                kept.add(unit);
            } else {
                units[unit.lun] = null;
                unit.closeMeter();
                left.incrementAndGet();
                boolean stays = mapping != null && mapping.unit() == unit.unit;
                detach(
                        unit,
                        stays ? Sense.COMMAND_ABORTED : Sense.LOGICAL_UNIT_NOT_SUPPORTED,
                        passed);
                listener.unitRemoved(Luns.encode(unit.lun));
            }
        }
        for (UnitTarget.Mapping mapping : target.mappings().values()) {
            if (find(mapping.lun()) == null) {
                attach(mapping);
                listener.unitAdded(Luns.encode(mapping.lun()));
            }
        }
        for (UnitNexus unit : kept) {
            on(unit, () -> unit.attention(Sense.REPORTED_LUNS_DATA_CHANGED));
        }
        settleSoon();
        passed.run();
    }

    private void detach(UnitNexus unit, int sense, Runnable passed) {
        on(unit, () -> unit.unit.detach(unit, sense, () -> reactor.execute(passed)));
    }

    @Override
    public void close(Runnable onClosed) {
        if (closed) {
            remap(onClosed);
            return;
        }
        closed = true;
        whenClosed.add(onClosed);
        List<UnitNexus> all = present();
        all.forEach(UnitNexus::closeMeter);
        var left = new AtomicInteger(all.size() + 1);
        Runnable passed =
                () -> {
                    if (left.decrementAndGet() == 0) {
                        gone = true;
                        target.closed(this);
                        whenClosed.forEach(Runnable::run);
                        whenClosed.clear();
                    }
                };
        all.forEach(unit -> detach(unit, Sense.NONE, passed));
        passed.run();
    }
}
