package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.ScatterGatherList;
import io.vireo.testkit.DriverMemory;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Random requests in random frames against a model; {@code -Dvireo.seed=N} repeats one. */
@ParameterizedClass
@ValueSource(longs = {Rig.ALL, Rig.PACKED, Rig.PACKED | Virtqueue.IN_ORDER})
@Tag("endurance")
class RandomChainsTest {
    private static final int MAX_PIECES = 16;

    /** What the driver asked for. */
    private record Request(byte[] sent, long answerAt, int answerRoom, int[] frames, int slot) {}

    private final long features;
    private final long seed = Long.getLong("vireo.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final Reader reader = new Reader();
    private final Writer writer = new Writer();

    RandomChainsTest(long features) {
        this.features = features;
    }

    @RepeatedTest(20)
    void everyFramingGivesTheSameBytes() {
        System.out.println("RandomChainsTest -Dvireo.seed=" + seed);
        boolean packed = (features & Virtqueue.RING_PACKED) != 0;
        int size = packed ? 16 + random.nextInt(256) : 16 << random.nextInt(5);
        boolean inOrder = (features & Virtqueue.IN_ORDER) != 0;
        int base = random.nextInt(65536);
        try (Rig rig =
                new Rig(
                        new DriverMemory(Rig.MEMORY, 1 << random.nextInt(3)),
                        size,
                        features,
                        base)) {
            Request[] requests = new Request[size];
            ArrayDeque<Integer> inFlight = new ArrayDeque<>();
            int done = 0;
            long arena = rig.memory.allocate(size * 1024L * 4, 4096);
            while (done < 3000) {
                while (rig.driver.free() >= MAX_PIECES && random.nextInt(4) > 0) {
                    add(rig, requests, arena);
                }
                rig.driver.publish();
                rig.batch.clear();
                rig.queue.pop(rig.batch, 1 + random.nextInt(64));
                int keep = rig.batch.count == 0 ? 0 : random.nextInt(rig.batch.count + 1);
                rig.queue.rewind(rig.batch.count - keep);
                for (int i = 0; i < keep; i++) {
                    serve(rig.batch, i, requests[rig.batch.head[i]]);
                    inFlight.add(rig.batch.head[i]);
                }
                while (!inFlight.isEmpty() && random.nextInt(8) > 0) {
                    boolean first = inOrder || random.nextBoolean();
                    int head = first ? inFlight.removeFirst() : inFlight.removeLast();
                    rig.queue.push(head, requests[head].answerRoom);
                }
                assertThat(rig.queue.inFlight()).isEqualTo(inFlight.size());
                rig.queue.flush();
                while (rig.driver.poll()) {
                    Request request = requests[rig.driver.usedHead()];
                    slots.clear(request.slot);
                    assertThat(rig.driver.usedLength()).isEqualTo(request.answerRoom);
                    assertAnswered(rig, request);
                    done++;
                }
            }
            assertThat(rig.failures).isEmpty();
        }
    }

    private void add(Rig rig, Request[] requests, long arena) {
        int slot = slots.nextClearBit(0);
        slots.set(slot);
        int pieces = 1 + random.nextInt(MAX_PIECES);
        int readable = random.nextInt(pieces + 1);
        boolean indirect = random.nextBoolean();
        long[] addresses = new long[pieces];
        int[] lengths = new int[pieces];
        // A place of its own for each head that can be in flight, by the first free descriptor.
        long at = arena + 4096L * slot;
        long start = at;
        for (int i = 0; i < pieces; i++) {
            addresses[i] = at;
            lengths[i] = random.nextInt(5) == 0 ? 0 : 1 + random.nextInt(200);
            at += lengths[i];
        }
        long answerAt = readable < pieces ? addresses[readable] : at;
        byte[] sent = new byte[(int) (answerAt - start)];
        random.nextBytes(sent);
        ForeignMemory.copyFromArray(sent, 0, rig.memory.host(start), sent.length);
        long table = start + 4096 - 16 * MAX_PIECES;
        int head =
                indirect
                        ? rig.driver.addIndirect(table, addresses, lengths, pieces, readable)
                        : rig.driver.add(addresses, lengths, pieces, readable);
        requests[head] = new Request(sent, answerAt, (int) (at - answerAt), lengths, slot);
    }

    private final BitSet slots = new BitSet();

    private void serve(ChainBatch batch, int index, Request request) {
        String frames = "seed " + seed + ", frames " + Arrays.toString(request.frames);
        byte[] received = new byte[request.sent.length];
        reader.reset(batch, index);
        assertThat(reader.remaining()).as(frames).isEqualTo(received.length);
        int at = 0;
        while (reader.remaining() > 0) {
            at += read(received, at);
        }
        assertThat(received).as(frames).isEqualTo(request.sent);
        writer.reset(batch, index);
        assertThat(writer.remaining()).as(frames).isEqualTo(request.answerRoom);
        while (writer.remaining() > 0) {
            write();
        }
        assertThat(writer.written()).isEqualTo(request.answerRoom);
    }

    /** Reads some bytes in one of the ways and returns how many. */
    private int read(byte[] received, int at) {
        int left = (int) reader.remaining();
        int some = 1 + random.nextInt(left);
        switch (random.nextInt(6)) {
            case 0 -> {
                if (left >= 8) {
                    return put(received, at, reader.getLong(), 8);
                }
                return put(received, at, reader.getByte(), 1);
            }
            case 1 -> {
                return left >= 4 ? put(received, at, reader.getInt(), 4) : 0;
            }
            case 2 -> {
                return left >= 2 ? put(received, at, reader.getShort(), 2) : 0;
            }
            case 3 -> {
                ScatterGatherList list = new ScatterGatherList(1);
                reader.takeInto(list, some);
                int to = at;
                for (int i = 0; i < list.count(); i++) {
                    ForeignMemory.copyToArray(list.address(i), received, to, list.length(i));
                    to += list.length(i);
                }
                return some;
            }
            default -> {
                reader.copyTo(received, at, some);
                return some;
            }
        }
    }

    private static int put(byte[] received, int at, long value, int count) {
        for (int i = 0; i < count; i++) {
            received[at + i] = (byte) (value >>> 8 * i);
        }
        return count;
    }

    /** Every byte of an answer is 0x5A. */
    private void write() {
        long left = writer.remaining();
        int some = 1 + random.nextInt((int) left);
        switch (random.nextInt(6)) {
            case 0 -> writer.fill(some, (byte) 0x5A);
            case 1 -> {
                if (left >= 8) {
                    writer.putLong(0x5A5A_5A5A_5A5A_5A5AL);
                }
            }
            case 2 -> {
                if (left >= 4) {
                    writer.putInt(0x5A5A_5A5A);
                }
            }
            case 3 -> {
                if (left >= 2) {
                    writer.putShort((short) 0x5A5A);
                }
            }
            case 4 -> writer.putByte((byte) 0x5A);
            default -> {
                byte[] bytes = new byte[some + 1];
                Arrays.fill(bytes, (byte) 0x5A);
                writer.copyFrom(bytes, 1, some);
            }
        }
    }

    private static void assertAnswered(Rig rig, Request request) {
        byte[] answer = new byte[request.answerRoom];
        ForeignMemory.copyToArray(rig.memory.host(request.answerAt), answer, 0, answer.length);
        for (byte value : answer) {
            assertThat(value).isEqualTo((byte) 0x5A);
        }
    }
}
