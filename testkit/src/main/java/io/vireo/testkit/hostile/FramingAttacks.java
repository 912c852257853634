package io.vireo.testkit.hostile;

import static io.vireo.testkit.VhostUserFrontEnd.*;

import io.vireo.linux.Errno;
import io.vireo.testkit.VhostUserFrontEnd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Bytes that are no messages, or come oddly, and too many connections: groups 19 and 29. */
final class FramingAttacks {
    private static final int CONNECTIONS = Integer.getInteger("vireo.hostile.connections", 10_000);
    private static final int IDLE = 1000;
    private static final int FLOOD = 1 << 20;

    private FramingAttacks() {}

    static List<Attack> all() {
        var all = new ArrayList<Attack>();
        for (int size : new int[] {4097, 1 << 20, Integer.MAX_VALUE, Integer.MIN_VALUE, -1}) {
            all.add(
                    drops(
                            "payload of " + Integer.toUnsignedString(size) + " bytes",
                            header(2, 1, size)));
        }
        for (int version : new int[] {0, 2, 3}) {
            all.add(drops("version " + version, header(1, version, 0)));
        }
        all.add(drops("reply flag on a request", header(1, VERSION | REPLY, 0)));
        for (int number : new int[] {0, 44, 255, -1, Integer.MIN_VALUE}) {
            var name = "request " + Integer.toUnsignedString(number) + " that does not exist";
            all.add(
                    new Attack(
                            19,
                            name,
                            target -> {
                                try (var attempt = Attempt.open(target)) {
                                    attempt.refused(number, payload(0));
                                    attempt.frontEnd().send(number, payload(0));
                                    attempt.dropped();
                                }
                            }));
        }
        all.add(new Attack(19, "half a header, and then nothing", target -> stall(target, 7)));
        all.add(new Attack(19, "half a payload, and then nothing", target -> stall(target, 15)));
        all.add(new Attack(19, "nothing at all", target -> stall(target, 0)));
        all.add(new Attack(19, "one byte at a time, which is legal", FramingAttacks::bytewise));
        all.add(new Attack(19, "many messages at once, which is legal", FramingAttacks::together));
        all.add(new Attack(19, "random bytes", FramingAttacks::random));
        all.add(new Attack(29, "connections that go at once", FramingAttacks::connectAndGo));
        all.add(new Attack(29, "a thousand idle sockets", FramingAttacks::idle));
        all.add(new Attack(29, "a front end that never reads", FramingAttacks::neverReads));
        all.add(new Attack(29, "a second front end", FramingAttacks::second));
        return all;
    }

    private static byte[] header(int request, int flags, int size) {
        var bytes = message(request, flags, payload(0));
        java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN).putInt(8, size);
        return bytes;
    }

    private static Attack drops(String name, byte[] bytes) {
        return new Attack(
                19,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        attempt.frontEnd().sendRaw(bytes);
                        attempt.dropped();
                    }
                });
    }

    private static void stall(Target target, int length) {
        try (var frontEnd = VhostUserFrontEnd.connect(target.socket())) {
            frontEnd.sendRaw(Arrays.copyOf(message(SET_FEATURES, VERSION, u64(0)), length));
            target.witness().run();
            frontEnd.awaitHangUp();
        }
    }

    private static void bytewise(Target target) {
        try (var attempt = Attempt.open(target)) {
            for (int i = 0; i < 10; i++) {
                for (byte one : message(GET_FEATURES, VERSION, payload(0))) {
                    attempt.frontEnd().sendRaw(new byte[] {one});
                }
                attempt.frontEnd().receive();
            }
            for (byte one : message(SET_FEATURES, VERSION, u64(attempt.session().features()))) {
                attempt.frontEnd().sendRaw(new byte[] {one});
            }
            attempt.served(attempt.start());
        }
    }

    private static void together(Target target) {
        try (var attempt = Attempt.open(target)) {
            var one = message(GET_FEATURES, VERSION, payload(0));
            var many = new byte[100 * one.length];
            for (int i = 0; i < 100; i++) {
                System.arraycopy(one, 0, many, i * one.length, one.length);
            }
            attempt.frontEnd().sendRaw(many);
            for (int i = 0; i < 100; i++) {
                attempt.frontEnd().receive();
            }
        }
    }

    private static void random(Target target) {
        long seed = Long.getLong("vireo.hostile.seed", System.nanoTime());
        var random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            try (var frontEnd = VhostUserFrontEnd.connect(target.socket())) {
                var bytes = new byte[4 + random.nextInt(400)];
                random.nextBytes(bytes);
                if (random.nextBoolean()) {
                    // Close to a message: a request that exists, and the right version and size.
                    var body = payload(bytes.length).put(bytes);
                    bytes =
                            message(
                                    random.nextInt(48),
                                    VERSION | random.nextInt(2) * NEED_REPLY,
                                    body);
                }
                frontEnd.sendRaw(bytes);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    private static void connectAndGo(Target target) {
        for (int i = 0; i < CONNECTIONS; i++) {
            VhostUserFrontEnd.connect(target.socket()).close();
        }
    }

    private static void idle(Target target) {
        var sockets = new ArrayList<VhostUserFrontEnd>();
        try {
            for (int i = 0; i < IDLE; i++) {
                sockets.add(VhostUserFrontEnd.connect(target.socket()));
            }
            target.witness().run();
        } finally {
            sockets.forEach(VhostUserFrontEnd::close);
        }
    }

    private static void neverReads(Target target) {
        try (var attempt = Attempt.open(target)) {
            var ask = message(GET_FEATURES, VERSION, payload(0));
            for (int i = 0; i < FLOOD; i++) {
                int sent = attempt.frontEnd().trySend(ask, 0);
                if (sent == -Errno.EPIPE || sent == -Errno.ECONNRESET) {
                    return;
                }
                if (sent == -Errno.EAGAIN) {
                    Attempt.pause(1);
                } else if (sent != ask.length) {
                    // A part of a message is as good as any other.
                    attempt.dropped();
                    return;
                }
            }
            throw new AssertionError("the back end keeps the replies for one who never reads");
        }
    }

    private static void second(Target target) {
        try (var first = Attempt.open(target)) {
            var ring = first.start();
            try (var second = VhostUserFrontEnd.connect(target.socket())) {
                second.awaitHangUp();
            }
            first.served(ring);
        }
    }
}
