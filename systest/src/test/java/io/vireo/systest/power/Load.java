package io.vireo.systest.power;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/**
 * A program that runs beside the daemon in the machine that loses its power: checks a vDisk of the
 * daemon as the driver of its vhost-user socket, then writes until the end. It prints {@code sound}
 * when all is as it may be, and {@code flushed N.} when N rounds have been flushed.
 *
 * <p>Arguments: socket, seed, and for each run before the number of rounds that had been flushed.
 */
public final class Load implements AutoCloseable {
    private static final int RING = 128;
    private static final int HEADER = 16;
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int FLUSH = 4;
    private static final int WRITE_ZEROES = 13;
    private static final int SLOT = 2 * Writes.BLOCK;

    private final DriverMemory memory = new DriverMemory(1 << 20);
    private final VhostUserSession session;
    private final VhostUserSession.Ring ring;
    private final long slots;

    private Load(Path socket) {
        session = VhostUserSession.open(socket, memory);
        ring = session.start(0, RING);
        slots = memory.allocate((long) Writes.ROUND * SLOT, Writes.BLOCK);
    }

    /** Runs until it is killed. */
    public static void main(String[] arguments) {
        long seed = Long.parseLong(arguments[1]);
        var expected = new Expectation();
        int run = arguments.length - 2;
        for (int before = 0; before < run; before++) {
            expected.cut(new Writes(seed, before), Integer.parseInt(arguments[2 + before]));
        }
        try (var load = new Load(Path.of(arguments[0]))) {
            load.check(expected);
            load.write(new Writes(seed, run));
        }
    }

    private void check(Expectation expected) {
        var data = new byte[Writes.BLOCK];
        for (int first = 0; first < Writes.BLOCKS; first += Writes.ROUND) {
            for (int i = 0; i < Writes.ROUND; i++) {
                submit(i, READ, first + i, Writes.BLOCK);
            }
            await(Writes.ROUND);
            for (int i = 0; i < Writes.ROUND; i++) {
                ForeignMemory.copyToArray(memory.host(data(i)), data, 0, data.length);
                expected.check(first + i, data).ifPresent(Load::fail);
            }
        }
        System.out.println("sound");
    }

    private static void fail(String what) {
        System.out.println("broken: " + what);
        System.exit(1);
    }

    private void write(Writes writes) {
        for (int round = 0; ; round++) {
            var all = writes.round(round);
            for (int i = 0; i < all.length; i++) {
                write(i, all[i]);
            }
            await(all.length);
            submit(0, FLUSH, 0, 0);
            await(1);
            System.out.println("flushed " + (round + 1) + ".");
        }
    }

    private void write(int slot, Writes.Write write) {
        if (write.tag() == Writes.ZEROES) {
            var range = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
            range.putLong((long) write.block() * Writes.BLOCK / Writes.SECTOR);
            range.putInt(Writes.BLOCK / Writes.SECTOR);
            ForeignMemory.copyFromArray(range.array(), 0, memory.host(data(slot)), HEADER);
            submit(slot, WRITE_ZEROES, 0, HEADER);
            return;
        }
        for (int index = 0; index < Writes.BLOCK / Writes.SECTOR; index++) {
            ForeignMemory.copyFromArray(
                    Writes.sector(write.block(), index, write.tag()),
                    0,
                    memory.host(data(slot) + (long) index * Writes.SECTOR),
                    Writes.SECTOR);
        }
        submit(slot, WRITE, write.block(), Writes.BLOCK);
    }

    private long data(int slot) {
        return slots + (long) slot * SLOT + Writes.BLOCK;
    }

    /** Shows the device a request (VIRTIO 1.3, 5.2.6). */
    private void submit(int slot, int type, long block, int length) {
        long at = slots + (long) slot * SLOT;
        var header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(type).putInt(0).putLong(block * Writes.BLOCK / Writes.SECTOR);
        ForeignMemory.copyFromArray(header.array(), 0, memory.host(at), HEADER);
        ForeignMemory.putByte(memory.host(at + HEADER), (byte) 0xFF);
        if (length == 0) {
            ring.queue().add(new long[] {at, at + HEADER}, new int[] {HEADER, 1}, 2, 1);
        } else {
            int readable = type == READ ? 1 : 2;
            ring.queue()
                    .add(
                            new long[] {at, data(slot), at + HEADER},
                            new int[] {HEADER, length, 1},
                            3,
                            readable);
        }
        VhostUserSession.publish(ring);
    }

    /** All slots up to a number end well. */
    private void await(int count) {
        for (int i = 0; i < count; i++) {
            VhostUserSession.awaitUsed(ring);
        }
        for (int i = 0; i < count; i++) {
            byte status = ForeignMemory.getByte(memory.host(slots + (long) i * SLOT + HEADER));
            if (status != 0) {
                fail("a request ended with status " + status);
            }
        }
    }

    @Override
    public void close() {
        session.close();
        memory.close();
    }
}
