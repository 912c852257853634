package io.vireo.transport.iscsi;

import io.vireo.memory.NativeMemory;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.scsi.NexusListener;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiPort;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTarget;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskManagement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A logical unit of bytes in an array, with the least of commands: TEST UNIT READY, READ(10),
 * WRITE(10) of 512-byte blocks, and one that ends only when it is aborted.
 */
final class FakeTarget implements ScsiTarget {
    static final int BLOCK = 512;
    static final int TEST_UNIT_READY = 0x00;
    static final int READ_10 = 0x28;
    static final int WRITE_10 = 0x2A;
    static final int FOREVER = 0xC0;

    final byte[] blocks = new byte[4 << 20];
    final List<ScsiInitiator> opened = new CopyOnWriteArrayList<>();
    final List<ScsiInitiator> open = new CopyOnWriteArrayList<>();
    final List<NexusListener> listeners = new CopyOnWriteArrayList<>();

    /** Whether task management functions wait until {@link #endFunctions}. */
    volatile boolean holdsFunctions;

    /** What was asked for. */
    final List<TaskManagement.Function> functions = new CopyOnWriteArrayList<>();

    /** How functions end that find what they are about. */
    volatile TaskManagement.Response functionsEnd = TaskManagement.Response.FUNCTION_COMPLETE;

    /** Whether nexuses are closed only by {@link #endClosing}. */
    volatile boolean holdsClosing;

    private final List<Runnable> heldClosing = new ArrayList<>();
    private final List<Runnable> heldFunctions = new ArrayList<>();
    private final List<ScsiPort> ports = new CopyOnWriteArrayList<>();
    private final Reactor reactor;
    private volatile boolean linkUp = true;

    FakeTarget(Reactor reactor) {
        this.reactor = reactor;
    }

    /** Ports that it can have. */
    volatile int maxPorts = Integer.MAX_VALUE;

    @Override
    public String name() {
        return "fake";
    }

    @Override
    public List<ScsiPort> ports() {
        return List.copyOf(ports);
    }

    @Override
    public ScsiPort.Iscsi iscsiPort(String targetName, int portalGroup) {
        if (ports.size() >= maxPorts) {
            throw new ResourceException(ErrorCode.EXHAUSTED, "no more ports");
        }
        var port = new ScsiPort.Iscsi(ports.size() + 1, targetName, portalGroup);
        ports.add(port);
        return port;
    }

    @Override
    public void removePort(ScsiPort port) {
        ports.remove(port);
    }

    @Override
    public Optional<Reactor> home() {
        return Optional.of(reactor);
    }

    @Override
    public int maxTransferBytes() {
        return 4 << 20;
    }

    @Override
    public boolean isLinkUp() {
        return linkUp;
    }

    /** Takes the link down; whoever has a nexus is told. */
    void linkDown() {
        linkUp = false;
        reactor.execute(() -> listeners.forEach(listener -> listener.linkChanged(false)));
    }

    @Override
    public ScsiNexus open(
            ScsiInitiator initiator, ScsiPort through, Reactor on, NexusListener listener) {
        if (open.contains(initiator)) {
            throw new IllegalStateException(initiator + " has a nexus");
        }
        opened.add(initiator);
        open.add(initiator);
        listeners.add(listener);
        return new Nexus(initiator, listener);
    }

    /** Ends those that wait. */
    void endFunctions() {
        reactor.execute(() -> {
            heldFunctions.forEach(Runnable::run);
            heldFunctions.clear();
            listeners.forEach(NexusListener::settled);
        });
    }

    /** Closes those nexuses that are to be closed, and others at once again. */
    void endClosing() {
        holdsClosing = false;
        reactor.execute(() -> {
            heldClosing.forEach(Runnable::run);
            heldClosing.clear();
        });
    }

    private final class Nexus implements ScsiNexus {
        private final ScsiInitiator initiator;
        private final NexusListener listener;
        private final List<ScsiTask> held = new ArrayList<>();

        Nexus(ScsiInitiator initiator, NexusListener listener) {
            this.initiator = initiator;
            this.listener = listener;
        }

        @Override
        public void submit(ScsiTask task) {
            byte[] cdb = task.cdb();
            int opcode = Byte.toUnsignedInt(cdb[0]);
            if (opcode == FOREVER) {
                held.add(task);
                return;
            }
            int at = (number(cdb, 2) << 16 | number(cdb, 4)) * BLOCK;
            int length = number(cdb, 7) * BLOCK;
            boolean inside = at >= 0 && length >= 0 && at <= blocks.length - length;
            if (opcode == TEST_UNIT_READY) {
                task.result(ScsiStatus.GOOD);
            } else if (opcode == READ_10 && inside) {
                task.wanted(0, length);
                copyOut(task, at);
                task.result(ScsiStatus.GOOD);
            } else if (opcode == WRITE_10 && inside) {
                task.wanted(length, 0);
                copyIn(task, at, length);
                task.result(ScsiStatus.GOOD);
            } else {
                task.sense()[0] = 0x70;
                task.sense()[2] = 5;
                task.sense()[7] = 10;
                task.sense()[12] = 0x20;
                task.checkCondition(18);
            }
            listener.completed(task);
        }

        @Override
        public void hurry(boolean on) {
            // Nothing is held back here.
        }

        @Override
        public void takeBack(ScsiTask task) {
            // Nothing waits for room here.
        }

        private static int number(byte[] bytes, int at) {
            return Byte.toUnsignedInt(bytes[at]) << 8 | Byte.toUnsignedInt(bytes[at + 1]);
        }

        private void copyOut(ScsiTask task, int from) {
            int at = from;
            int left = task.dataInLength();
            for (int i = 0; left > 0; i++) {
                for (int j = 0; j < task.dataIn().length(i) && left > 0; j++, left--) {
                    NativeMemory.putByte(task.dataIn().address(i) + j, blocks[at++]);
                }
            }
        }

        private void copyIn(ScsiTask task, int to, int length) {
            int at = to;
            int left = (int) Math.min(length, task.dataOut().total());
            for (int i = 0; left > 0; i++) {
                for (int j = 0; j < task.dataOut().length(i) && left > 0; j++, left--) {
                    blocks[at++] = NativeMemory.getByte(task.dataOut().address(i) + j);
                }
            }
        }

        @Override
        public void manage(TaskManagement function) {
            functions.add(function.function());
            boolean one = function.function() == TaskManagement.Function.ABORT_TASK;
            boolean found = false;
            for (ScsiTask task : List.copyOf(held)) {
                if (!one || task.tag() == function.tag()) {
                    held.remove(task);
                    task.aborted(ScsiTask.Outcome.ABORTED);
                    listener.completed(task);
                    found = true;
                }
            }
            if (holdsFunctions) {
                heldFunctions.add(() -> listener.managed(function));
            }
            function.result(
                    one && !found ? TaskManagement.Response.TASK_NOT_FOUND : functionsEnd, 0);
            if (!holdsFunctions) {
                listener.managed(function);
            }
        }

        @Override
        public int inFlight() {
            return held.size();
        }

        @Override
        public void close(Runnable onClosed) {
            reactor.execute(() -> {
                if (holdsClosing) {
                    heldClosing.add(() -> finish(onClosed));
                } else {
                    finish(onClosed);
                }
            });
        }

        private void finish(Runnable onClosed) {
            for (ScsiTask task : List.copyOf(held)) {
                task.aborted(ScsiTask.Outcome.ABORTED);
                listener.completed(task);
            }
            held.clear();
            open.remove(initiator);
            listeners.remove(listener);
            onClosed.run();
        }
    }
}
