package io.vireo.device.scsi;

import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.reactor.Reactor;
import io.vireo.scsi.NexusListener;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiPort;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTarget;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** An initiator port and its transport for tests: a nexus, and calls that wait. */
public final class ScsiClient implements NexusListener {
    /** What came of a task. */
    public record Result(
            ScsiTask.Outcome outcome,
            ScsiStatus status,
            byte[] sense,
            byte[] data,
            long outWanted,
            long inWanted) {
        /** Sense key, additional sense code and qualifier in three bytes, of either format. */
        public int code() {
            if (sense.length == 0) {
                return 0;
            }
            return (sense[0] & 0x7F) >= 0x72
                    ? sense[1] << 16 | Bytes.u16(sense, 2)
                    : (sense[2] & 0xF) << 16 | Bytes.u16(sense, 12);
        }

        /** Carried out, with status GOOD. */
        public boolean good() {
            return outcome == ScsiTask.Outcome.COMPLETED && status == ScsiStatus.GOOD;
        }

        /** The Data-In in hexadecimal. */
        public String hex() {
            return HexFormat.of().formatHex(data);
        }
    }

    final Reactor reactor;
    private final List<String> events = new CopyOnWriteArrayList<>();
    final AtomicInteger settled = new AtomicInteger();
    private final ScsiNexus nexus;
    private final Map<ScsiTask, Running> running = new ConcurrentHashMap<>();
    private final Map<TaskManagement, CompletableFuture<TaskManagement.Response>> managing =
            new ConcurrentHashMap<>();
    private final AtomicInteger tags = new AtomicInteger();

    private record Running(
            CompletableFuture<Result> ended, NativeBuffer out, NativeBuffer in, int room) {}

    /** Opens the nexus. */
    public ScsiClient(ScsiTarget target, ScsiInitiator initiator, ScsiPort port, Reactor reactor) {
        this.reactor = reactor;
        nexus = BlockClient.on(reactor, () -> target.open(initiator, port, reactor, this));
    }

    /** Bytes in hexadecimal, with spaces or without. */
    public static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replace(" ", ""));
    }

    /** Starts a task of this tag. */
    CompletableFuture<Result> start(
            int lun, long tag, TaskAttribute attribute, byte[] cdb, byte[] out, int room) {
        return start(Luns.encode(lun), tag, attribute, cdb, out, room);
    }

    CompletableFuture<Result> start(
            long lun, long tag, TaskAttribute attribute, byte[] cdb, byte[] out, int room) {
        var task = new ScsiTask(tags.incrementAndGet());
        task.prepare(lun, tag, attribute, cdb.length);
        System.arraycopy(cdb, 0, task.cdb(), 0, cdb.length);
        var outBuffer = NativeBuffer.allocate(Math.max(1, out.length), 8);
        ForeignMemory.copyFromArray(out, 0, outBuffer.address(), out.length);
        // In two pieces, so that pieces are tried.
        int first = out.length / 3;
        task.dataOut().add(outBuffer.address(), first);
        task.dataOut().add(outBuffer.address() + first, out.length - first);
        var inBuffer = NativeBuffer.allocate(Math.max(1, room), 8);
        ForeignMemory.fill(inBuffer.address(), room, (byte) 0xEE);
        int part = room / 3;
        task.dataIn().add(inBuffer.address(), part);
        task.dataIn().add(inBuffer.address() + part, room - part);
        var ended = new CompletableFuture<Result>();
        running.put(task, new Running(ended, outBuffer, inBuffer, room));
        reactor.execute(() -> nexus.submit(task));
        return ended;
    }

    Result run(int lun, String cdb, byte[] out, int room) {
        return run(lun, bytes(cdb), out, room);
    }

    Result run(int lun, byte[] cdb, byte[] out, int room) {
        return BlockClient.await(
                start(lun, tags.incrementAndGet(), TaskAttribute.SIMPLE, cdb, out, room));
    }

    /** Without data. */
    Result run(int lun, String cdb) {
        return run(lun, cdb, new byte[0], 0);
    }

    /** With Data-In. */
    public Result in(int lun, String cdb, int room) {
        return run(lun, cdb, new byte[0], room);
    }

    /** With Data-Out. */
    public Result out(int lun, String cdb, byte[] data) {
        return run(lun, cdb, data, 0);
    }

    /** Takes all unit attentions away. */
    public ScsiClient ready(int lun) {
        while (run(lun, "000000000000").code() >> 16 == 6) {
            // Each is told once.
        }
        return this;
    }

    CompletableFuture<TaskManagement.Response> startManage(
            TaskManagement.Function function, int lun, long tag) {
        var management = new TaskManagement().prepare(function, Luns.encode(lun), tag);
        var ended = new CompletableFuture<TaskManagement.Response>();
        managing.put(management, ended);
        reactor.execute(() -> nexus.manage(management));
        return ended;
    }

    TaskManagement.Response manage(TaskManagement.Function function, int lun, long tag) {
        return BlockClient.await(startManage(function, lun, tag));
    }

    /** Would have a task of this tag back; the unit has been asked. */
    void takeBack(long tag, Reactor owner) {
        for (ScsiTask task : running.keySet()) {
            if (task.tag() == tag) {
                reactor.execute(() -> nexus.takeBack(task));
            }
        }
        BlockClient.on(reactor, () -> true);
        BlockClient.on(owner, () -> true);
    }

    void hurry(boolean on) {
        reactor.execute(() -> nexus.hurry(on));
    }

    /** What was told so far, and what is on its way already. */
    List<String> events() {
        return BlockClient.on(reactor, () -> List.copyOf(events));
    }

    int inFlight() {
        return BlockClient.on(reactor, nexus::inFlight);
    }

    /** Closes the nexus, and waits for it. */
    public void close() {
        var closed = new CompletableFuture<Boolean>();
        reactor.execute(() -> nexus.close(() -> closed.complete(true)));
        BlockClient.await(closed);
    }

    @Override
    public void completed(ScsiTask task) {
        Running ending = running.remove(task);
        if (ending == null) {
            throw new AssertionError("completed twice");
        }
        byte[] data =
                new byte[task.outcome() == ScsiTask.Outcome.COMPLETED ? task.dataInLength() : 0];
        ForeignMemory.copyToArray(ending.in.address(), data, 0, data.length);
        ending.out.close();
        ending.in.close();
        ending.ended.complete(
                new Result(
                        task.outcome(),
                        task.status(),
                        Arrays.copyOf(task.sense(), task.senseLength()),
                        data,
                        task.dataOutWanted(),
                        task.dataInWanted()));
    }

    @Override
    public void managed(TaskManagement function) {
        CompletableFuture<TaskManagement.Response> ended = managing.remove(function);
        if (ended == null) {
            throw new AssertionError("managed twice");
        }
        ended.complete(function.response());
    }

    @Override
    public void settled() {
        settled.incrementAndGet();
    }

    @Override
    public void linkChanged(boolean up) {
        events.add("link " + (up ? "up" : "down"));
    }

    @Override
    public void unitAdded(long lun) {
        events.add("added " + Luns.decode(lun));
    }

    @Override
    public void unitRemoved(long lun) {
        events.add("removed " + Luns.decode(lun));
    }

    @Override
    public void unitChanged(long lun, int asc, int ascq) {
        events.add(
                "changed "
                        + Luns.decode(lun)
                        + " "
                        + HexFormat.of().toHexDigits((short) (asc << 8 | ascq)));
    }
}
