package io.vireo.bench;

import io.vireo.bench.BlkDriver.Kind;
import io.vireo.bench.BlkDriver.Load;
import io.vireo.bench.BlkDriver.Order;
import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One session of an iSCSI initiator that keeps a number of commands in flight. It sleeps in a read
 * of its socket, takes all responses that are there, and sends the commands that follow by one
 * write. RFC 7143, section 11; one thread.
 */
final class IscsiLoad implements AutoCloseable {
    private static final int BHS = 48;
    private static final int BLOCK = 512;
    private static final int MAX_SEGMENT = 256 << 10;
    private static final int FIRST_BURST = 64 << 10;
    private static final int COMMAND = 0x01;
    private static final int DATA_OUT = 0x05;
    private static final int NOP_OUT = 0x40;
    private static final int RESPONSE = 0x21;
    private static final int DATA_IN = 0x25;
    private static final int R2T = 0x31;
    private static final int NOP_IN = 0x20;
    private static final int READ_10 = 0x28;
    private static final int WRITE_10 = 0x2A;
    private static final int FINAL = 0x80;
    private static final int STATUS_PRESENT = 0x01;

    /**
     * What a window came to.
     *
     * @param completed commands
     * @param processorSeconds of the client's thread
     */
    record Outcome(long completed, double processorSeconds) {}

    private final IscsiInitiator initiator;
    private final InputStream in;
    private final OutputStream out;
    private final long lun;
    private final long capacity;
    private final int segment;
    private final int immediate;
    private final ByteBuffer received = ByteBuffer.allocate(4 * MAX_SEGMENT);
    private final ByteBuffer sent;
    private final long[] begun = new long[RequestSlots.COUNT];
    private int cmdSn;
    private int expStatSn;
    private long seed;
    private long position;
    private int inFlight;
    private long completed;
    private long now;

    /**
     * Logs in.
     *
     * @param port of a portal on loopback
     * @param capacity bytes of the unit
     * @param number of the session
     */
    IscsiLoad(int port, String target, int lun, long capacity, int number) {
        this.lun = (long) lun << 48;
        this.capacity = capacity;
        this.seed = 0x9e3779b97f4a7c15L * (number + 1);
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        try {
            initiator =
                    new IscsiInitiator(address, "iqn.2026-11.io.vireo.bench:client")
                            .isid(0x400000000001L + number);
            var keys =
                    Map.of(
                            "MaxRecvDataSegmentLength", Integer.toString(MAX_SEGMENT),
                            "FirstBurstLength", Integer.toString(FIRST_BURST),
                            "MaxBurstLength", Integer.toString(MAX_SEGMENT),
                            "ImmediateData", "Yes",
                            "InitialR2T", "Yes");
            var response = initiator.login(target, keys);
            if (response.u16(36) != 0) {
                throw new BenchException(
                        target + " refuses the login with status " + response.u16(36) + ".");
            }
            var answers = response.text();
            segment = number(answers, "MaxRecvDataSegmentLength", 8192);
            var first = Math.min(number(answers, "FirstBurstLength", FIRST_BURST), FIRST_BURST);
            immediate = "No".equals(answers.get("ImmediateData")) ? 0 : Math.min(segment, first);
            in = initiator.socket().getInputStream();
            out = initiator.socket().getOutputStream();
        } catch (IOException e) {
            throw new BenchException("Cannot log in to " + target + ": " + e.getMessage(), e);
        }
        sent = ByteBuffer.allocate(RequestSlots.COUNT * (RequestSlots.MAX_DATA + 64 * BHS));
        cmdSn = initiator.cmdSn();
        expStatSn = initiator.expStatSn();
        takePowerOn();
    }

    private static int number(Map<String, String> answers, String key, int otherwise) {
        var answer = answers.get(key);
        return answer == null ? otherwise : Integer.parseInt(answer);
    }

    /** The first command may be told of the power on. */
    private void takePowerOn() {
        try {
            IscsiPdu answer = initiator.exchange(initiator.command(FINAL, lun, 0, new byte[16]));
            if (answer.opcode() != RESPONSE) {
                throw new BenchException("TEST UNIT READY is answered with " + answer + ".");
            }
        } catch (IOException e) {
            throw new BenchException("The session is lost: " + e.getMessage(), e);
        }
        cmdSn = initiator.cmdSn();
        expStatSn = initiator.expStatSn();
    }

    /** Keeps the load up; what ends between {@code from} and {@code until} (nanoTime) counts. */
    Outcome run(Load load, long from, long until, Latencies latencies) {
        try {
            begin(load);
            now = System.nanoTime();
            while (now < from) {
                turn(load, true, null);
            }
            var before = completed;
            var used = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            while (now < until) {
                turn(load, true, latencies);
            }
            var counted = completed - before;
            used = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - used;
            while (inFlight > 0) {
                turn(load, false, null);
            }
            return new Outcome(counted, used / 1e9);
        } catch (IOException e) {
            throw new BenchException("A session is lost: " + e.getMessage(), e);
        }
    }

    /** Writes all of the unit once. */
    void writeAll() {
        var load = new Load(Kind.WRITE, Order.SEQUENTIAL, RequestSlots.MAX_DATA, 8);
        position = -load.size();
        var wanted = completed + capacity / load.size();
        try {
            begin(load);
            while (inFlight > 0) {
                turn(load, completed + inFlight < wanted, null);
            }
        } catch (IOException e) {
            throw new BenchException("A session is lost: " + e.getMessage(), e);
        }
    }

    private void begin(Load load) throws IOException {
        sent.clear();
        for (var slot = 0; slot < load.depth(); slot++) {
            command(load, slot);
        }
        flush();
    }

    private void flush() throws IOException {
        if (sent.position() > 0) {
            out.write(sent.array(), 0, sent.position());
            sent.clear();
        }
    }

    /** Takes what has come, at least something. */
    private void turn(Load load, boolean goOn, @Nullable Latencies latencies) throws IOException {
        var count = in.read(received.array(), received.position(), received.remaining());
        if (count < 0) {
            throw new IOException("the target closed the connection");
        }
        received.position(received.position() + count).flip();
        now = System.nanoTime();
        while (received.remaining() >= BHS) {
            var at = received.position();
            var length = received.getInt(at + 4) & 0xffffff;
            var all = BHS + 4 * received.get(at + 4) + (length + 3 & ~3);
            if (received.remaining() < all) {
                break;
            }
            take(load, at, goOn, latencies);
            received.position(at + all);
        }
        received.compact();
        flush();
    }

    private void take(Load load, int at, boolean goOn, @Nullable Latencies latencies) {
        var opcode = received.get(at) & 0x3f;
        var flags = received.get(at + 1);
        switch (opcode) {
            case RESPONSE -> end(load, at, goOn, latencies);
            case DATA_IN -> {
                if ((flags & STATUS_PRESENT) != 0) {
                    end(load, at, goOn, latencies);
                }
            }
            case R2T -> dataOut(at);
            case NOP_IN -> pong(at);
            default ->
                    throw new BenchException(
                            "The target sends a PDU of opcode "
                                    + Integer.toHexString(opcode)
                                    + ".");
        }
    }

    private void end(Load load, int at, boolean goOn, @Nullable Latencies latencies) {
        var status = received.get(at + 3);
        if (status != 0) {
            throw new BenchException("A command ended with SCSI status " + status + ".");
        }
        expStatSn = received.getInt(at + 24) + 1;
        var slot = received.getInt(at + 16);
        if (latencies != null) {
            latencies.add(now - begun[slot]);
        }
        completed++;
        inFlight--;
        if (goOn) {
            command(load, slot);
        }
    }

    private void command(Load load, int slot) {
        var at = sent.position();
        var length = load.writes() ? Math.min(immediate, load.size()) : 0;
        var offset = offset(load) / BLOCK;
        zero(at);
        sent.put(at, (byte) COMMAND);
        sent.put(at + 1, (byte) (FINAL | (load.writes() ? 0x20 : 0x40) | 1));
        sent.putInt(at + 4, length);
        sent.putLong(at + 8, lun);
        sent.putInt(at + 16, slot);
        sent.putInt(at + 20, load.size());
        sent.putInt(at + 24, cmdSn++);
        sent.putInt(at + 28, expStatSn);
        sent.put(at + 32, (byte) (load.writes() ? WRITE_10 : READ_10));
        sent.putInt(at + 34, (int) offset);
        sent.putShort(at + 39, (short) (load.size() / BLOCK));
        sent.position(at + BHS + length);
        begun[slot] = System.nanoTime();
        inFlight++;
    }

    private void zero(int at) {
        for (var i = 0; i < BHS; i += Long.BYTES) {
            sent.putLong(at + i, 0);
        }
    }

    /** The data that an R2T asks for. */
    private void dataOut(int r2t) {
        var offset = received.getInt(r2t + 40);
        var left = received.getInt(r2t + 44);
        for (var number = 0; left > 0; number++) {
            var length = Math.min(left, segment);
            var at = sent.position();
            zero(at);
            sent.put(at, (byte) DATA_OUT);
            sent.put(at + 1, (byte) (length == left ? FINAL : 0));
            sent.putInt(at + 4, length);
            sent.putLong(at + 8, lun);
            sent.putInt(at + 16, received.getInt(r2t + 16));
            sent.putInt(at + 20, received.getInt(r2t + 20));
            sent.putInt(at + 28, expStatSn);
            sent.putInt(at + 36, number);
            sent.putInt(at + 40, offset);
            sent.position(at + BHS + length);
            offset += length;
            left -= length;
        }
    }

    private void pong(int ping) {
        if (received.getInt(ping + 20) == IscsiPdu.NO_TAG) {
            return;
        }
        var at = sent.position();
        zero(at);
        sent.put(at, (byte) NOP_OUT);
        sent.put(at + 1, (byte) FINAL);
        sent.putLong(at + 8, received.getLong(ping + 8));
        sent.putInt(at + 16, IscsiPdu.NO_TAG);
        sent.putInt(at + 20, received.getInt(ping + 20));
        sent.putInt(at + 24, cmdSn);
        sent.putInt(at + 28, expStatSn);
        sent.position(at + BHS);
    }

    private long offset(Load load) {
        if (load.order() == Order.SEQUENTIAL) {
            position = position + 2L * load.size() > capacity ? 0 : position + load.size();
            return position;
        }
        seed ^= seed << 13;
        seed ^= seed >>> 7;
        seed ^= seed << 17;
        return Math.unsignedMultiplyHigh(seed, capacity / load.size()) * load.size();
    }

    @Override
    public void close() {
        try {
            initiator.close();
        } catch (IOException e) {
            throw new BenchException("A session cannot be closed: " + e.getMessage(), e);
        }
    }
}
