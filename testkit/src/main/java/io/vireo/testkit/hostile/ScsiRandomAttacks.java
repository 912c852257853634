package io.vireo.testkit.hostile;

import static io.vireo.testkit.hostile.ScsiAttacks.IN;
import static io.vireo.testkit.hostile.ScsiAttacks.LONG_RING;
import static io.vireo.testkit.hostile.ScsiAttacks.OPERATIONS;
import static io.vireo.testkit.hostile.ScsiAttacks.OUT;
import static io.vireo.testkit.hostile.ScsiAttacks.PLACE;
import static io.vireo.testkit.hostile.ScsiAttacks.SPARE;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.hostile.ScsiAttacks.Request;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Requests of a virtio SCSI host device by chance, and at a bad time: groups 7 and 18. */
final class ScsiRandomAttacks {
    private static final int RANDOM_REQUESTS = 1500;

    /** After so many of them the unit is started, which one of them may have stopped. */
    private static final int RESTART = 50;

    private static final int HAMMER_MILLIS = 300;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final byte[] START = HexFormat.of().parseHex("1b0000000100");

    private ScsiRandomAttacks() {}

    static List<Attack> all() {
        return List.of(
                new Attack(7, "a request that changes all the time", ScsiRandomAttacks::hammer),
                new Attack(18, "commands at random", ScsiRandomAttacks::random),
                new Attack(18, "the same tag for all, among resets", ScsiRandomAttacks::resets));
    }

    /** Commands of random bytes, most of them of an operation that there is: all are answered. */
    private static void random(Target target) {
        long seed = Long.getLong("vireo.hostile.seed", System.nanoTime());
        var random = new Random(seed);
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            for (int i = 0; i < RANDOM_REQUESTS; i++) {
                if (i % RESTART == 0) {
                    ScsiAttacks.send(attempt, ring, new Request(SPARE, START, 0, 0));
                }
                var cdb = cdb(random);
                var place =
                        ScsiAttacks.send(
                                attempt,
                                ring,
                                new Request(SPARE, cdb, length(random), length(random)));
                if (!isAnswer(place)) {
                    var text = HexFormat.of().formatHex(cdb);
                    throw new AssertionError("seed " + seed + ", " + text + ": " + place);
                }
            }
            attempt.served(ring);
        } catch (RuntimeException e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    private static byte[] cdb(Random random) {
        var cdb = new byte[32];
        random.nextBytes(cdb);
        int zeroes = random.nextInt(4);
        for (int i = 0; i < cdb.length; i++) {
            if (random.nextInt(4) < zeroes) {
                cdb[i] = 0;
            }
        }
        if (random.nextInt(8) > 0) {
            cdb[0] = OPERATIONS[random.nextInt(OPERATIONS.length)];
        }
        return cdb;
    }

    private static int length(Random random) {
        return random.nextBoolean() ? 0 : 1 + random.nextInt(8 * ScsiDriver.BLOCK);
    }

    /** A response of 5.6.6.1 with a status of SAM-5, and sense data if that says so. */
    private static boolean isAnswer(ScsiPlace place) {
        boolean status =
                switch (place.status()) {
                    case 0, 4, 8, 0x18, 0x28, 0x40 -> place.senseLength() == 0;
                    case ScsiPlace.CHECK_CONDITION ->
                            place.senseLength() >= 8
                                    && place.senseLength() <= ScsiPlace.RESPONSE - 12
                                    && place.response(12) >= 0x70
                                    && place.response(12) <= 0x73;
                    default -> false;
                };
        return place.outcome() <= ScsiPlace.FAILURE && status;
    }

    /** What is said of a request is another thing when it is looked at again. */
    private static void hammer(Target target) {
        long seed = Long.getLong("vireo.hostile.seed", System.nanoTime());
        var random = new Random(seed);
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(HAMMER_MILLIS);
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            var place = new ScsiPlace(attempt.memory(), PLACE);
            long host = attempt.memory().host(PLACE);
            var addresses = new long[] {PLACE, OUT, place.response(), IN};
            var lengths = new int[] {ScsiPlace.HEADER, 4096, ScsiPlace.RESPONSE, 4096};
            while (System.nanoTime() < end) {
                place.write(SPARE, random.nextLong(), cdb(random));
                ring.queue().add(addresses, lengths, 4, 2);
                VhostUserSession.publish(ring);
                while (!ring.queue().poll()) {
                    long lun = random.nextBoolean() ? SPARE : random.nextLong();
                    ForeignMemory.putLong(host, Long.reverseBytes(lun));
                    ForeignMemory.putLong(host + 8, random.nextLong());
                    int at = ScsiPlace.BEFORE_CDB + random.nextInt(32);
                    ForeignMemory.putByte(host + at, (byte) random.nextInt());
                    ForeignMemory.putLong(
                            attempt.memory().host(OUT + 8L * random.nextInt(64)),
                            random.nextLong());
                    if (System.nanoTime() - end > PATIENCE_NANOS) {
                        throw new AssertionError("a request is not answered");
                    }
                }
                if (place.outcome() == ScsiPlace.PENDING) {
                    throw new AssertionError("a request without a response is used");
                }
            }
            attempt.served(ring);
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    /** Each command and each function ends, and once, however they hit each other. */
    private static void resets(Target target) {
        int commands = 32;
        try (var attempt = Attempt.open(target)) {
            var memory = attempt.memory();
            var control = attempt.session().start(ScsiControlDriver.QUEUE, Attempt.QUEUE_SIZE);
            var ring = attempt.session().start(ScsiDriver.QUEUE, LONG_RING);
            for (int round = 0; round < 100; round++) {
                var places = new ArrayList<ScsiPlace>();
                for (int i = 0; i < commands; i++) {
                    var place = new ScsiPlace(memory, PLACE + (long) i * ScsiPlace.SIZE);
                    place.write(ScsiPlace.LUN_0, 1, ScsiDriver.read(i, 1));
                    var addresses = new long[] {place.header(), place.response(), IN};
                    var lengths =
                            new int[] {ScsiPlace.HEADER, ScsiPlace.RESPONSE, ScsiDriver.BLOCK};
                    ring.queue().add(addresses, lengths, 3, 1);
                    places.add(place);
                }
                long at = PLACE + (long) commands * ScsiPlace.SIZE;
                int function = round % 8;
                ScsiControlDriver.write(memory, at, 0, function, ScsiPlace.LUN_0, 1);
                var addresses = new long[] {at, at + ScsiControlDriver.REQUEST};
                control.queue().add(addresses, new int[] {ScsiControlDriver.REQUEST, 1}, 2, 1);
                VhostUserSession.publish(ring);
                VhostUserSession.publish(control);
                VhostUserSession.awaitUsed(control);
                for (int i = 0; i < commands; i++) {
                    VhostUserSession.awaitUsed(ring);
                }
                for (var place : places) {
                    if (place.outcome() > ScsiPlace.FAILURE) {
                        throw new AssertionError("function " + function + ": " + place);
                    }
                }
            }
            attempt.served(ring);
        }
    }
}
