package io.vireo.testkit.hostile;

import static io.vireo.testkit.VhostUserFrontEnd.*;
import static io.vireo.testkit.hostile.Attempt.QUEUE_SIZE;

import io.vireo.linux.Eventfd;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.SplitDriverQueue;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Whole messages with wrong contents, wrong descriptors or at the wrong time: groups 20, 21, 22, 27
 * and 28.
 */
final class MessageAttacks {
    /** Messages whose first number is the index of a queue. */
    private static final int[] INDEXED = {
        SET_VRING_NUM, SET_VRING_BASE, SET_VRING_ENABLE, SET_VRING_ADDR
    };

    private static final int[] WITH_EVENTFD = {SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR};
    private static final int[] WITHOUT_FD = {SET_FEATURES, SET_OWNER, SET_VRING_NUM, SET_STATUS};

    /** Messages of features that nobody offered. */
    private static final int[] NEVER_OFFERED = {
        IOTLB_MSG,
        SET_VRING_ENDIAN,
        POSTCOPY_ADVISE,
        POSTCOPY_LISTEN,
        POSTCOPY_END,
        VRING_KICK,
        SET_DEVICE_STATE_FD,
        CHECK_DEVICE_STATE
    };

    private static final int O_NONBLOCK = 0x800;

    private MessageAttacks() {}

    static List<Attack> all() {
        var all = new ArrayList<Attack>();
        all.addAll(descriptors());
        all.addAll(eventfds());
        all.addAll(indices());
        all.addAll(features());
        all.addAll(configuration());
        return all;
    }

    /** Refused with and without REPLY_ACK. */
    private static Attack refused(int group, String name, int request, ByteBuffer body) {
        return new Attack(
                group,
                name,
                target -> {
                    for (boolean acknowledged : new boolean[] {true, false}) {
                        try (var attempt =
                                Attempt.open(
                                        target, acknowledged, new DriverMemory(Attempt.MEMORY))) {
                            attempt.refused(request, body);
                        }
                    }
                });
    }

    private static List<Attack> descriptors() {
        var all = new ArrayList<Attack>();
        for (int count : new int[] {1, 8, 9, 253}) {
            for (int request : WITHOUT_FD) {
                var name = count + " descriptors with request " + request + ", which takes none";
                all.add(new Attack(20, name, target -> extra(target, request, count)));
            }
        }
        for (int request : new int[] {SET_BACKEND_REQ_FD, SET_INFLIGHT_FD, ADD_MEM_REG}) {
            var body = payload(request == ADD_MEM_REG ? 40 : request == SET_INFLIGHT_FD ? 24 : 0);
            all.add(
                    new Attack(
                            20,
                            "request " + request + " without its descriptor",
                            target -> without(target, request, body)));
        }
        all.add(new Attack(20, "descriptors in the middle of a message", MessageAttacks::middle));
        all.add(new Attack(20, "memory of every wrong kind", MessageAttacks::wrongMemory));
        all.add(new Attack(20, "the connection itself as memory", MessageAttacks::itself));
        return all;
    }

    private static void extra(Target target, int request, int count) throws Exception {
        try (var attempt = Attempt.open(target);
                var event = Eventfd.create()) {
            var fds = new Fd[count];
            Arrays.fill(fds, event.fd());
            var body = request == SET_OWNER ? payload(0) : u64(0);
            if (count <= 8) {
                attempt.refused(request, body, fds);
            } else {
                attempt.dropped(request, body, fds);
            }
        }
    }

    private static void without(Target target, int request, ByteBuffer body) {
        try (var attempt = Attempt.open(target)) {
            attempt.refused(request, body);
        }
    }

    private static void middle(Target target) throws Exception {
        try (var attempt = Attempt.open(target);
                var event = Eventfd.create()) {
            var bytes = message(SET_FEATURES, VERSION, u64(0));
            attempt.frontEnd().sendRaw(Arrays.copyOf(bytes, 14));
            attempt.frontEnd().sendRaw(Arrays.copyOfRange(bytes, 14, 20), event.fd().number());
            attempt.dropped();
        }
    }

    private static void wrongMemory(Target target) throws Exception {
        try (var wrong = new Descriptors()) {
            for (var fd : wrong.kinds()) {
                try (var attempt = Attempt.open(target)) {
                    var region =
                            payload(40)
                                    .putLong(8, 0x9000_0000L)
                                    .putLong(16, 4096)
                                    .putLong(24, 0x9000_0000L);
                    attempt.refused(ADD_MEM_REG, region, fd);
                    var table = VhostUserSession.memoryTable(attempt.memory().regions());
                    attempt.refused(SET_MEM_TABLE, table, fd);
                    var record = payload(24).putLong(0, 4096).putShort(16, (short) 1);
                    attempt.refused(SET_INFLIGHT_FD, record.putShort(18, (short) QUEUE_SIZE), fd);
                }
            }
        }
    }

    private static void itself(Target target) {
        try (var attempt = Attempt.open(target)) {
            var table = VhostUserSession.memoryTable(attempt.memory().regions());
            attempt.refused(SET_MEM_TABLE, table, attempt.frontEnd().socket().fd());
        }
    }

    private static List<Attack> eventfds() {
        var all = new ArrayList<Attack>();
        for (int request : WITH_EVENTFD) {
            all.add(
                    new Attack(
                            21,
                            "request " + request + " with no eventfd",
                            target -> noEventfd(target, request)));
            all.add(
                    refused(
                            21,
                            "request " + request + " without a descriptor that is announced",
                            request,
                            u64(0)));
            all.add(
                    new Attack(
                            21,
                            "request " + request + " with a descriptor that is said to be missing",
                            target -> {
                                try (var attempt = Attempt.open(target);
                                        var event = Eventfd.create()) {
                                    attempt.refused(request, u64(0x100), event.fd());
                                }
                            }));
        }
        all.add(
                new Attack(
                        21,
                        "no kick descriptor at all, which means polling",
                        MessageAttacks::polled));
        all.add(
                new Attack(
                        21, "a call eventfd that blocks for ever", MessageAttacks::blockingCall));
        all.add(
                new Attack(
                        21,
                        "an error eventfd that blocks for ever",
                        MessageAttacks::blockingError));
        all.add(
                new Attack(
                        21,
                        "kick, call and error eventfds that are semaphores",
                        MessageAttacks::semaphores));
        all.add(
                new Attack(
                        21,
                        "a thousand call and kick eventfds under a running ring",
                        MessageAttacks::manyEventfds));
        return all;
    }

    private static void noEventfd(Target target, int request) throws Exception {
        try (var wrong = new Descriptors()) {
            for (var fd : wrong.kinds()) {
                try (var attempt = Attempt.open(target)) {
                    attempt.refused(request, u64(0), fd);
                }
            }
        }
    }

    private static void polled(Target target) {
        try (var attempt = Attempt.open(target)) {
            var session = attempt.session();
            var queue = DriverQueue.of(attempt.memory(), QUEUE_SIZE, session.features());
            var ring = session.describe(attempt.queue(), queue, 0);
            session.tell(SET_VRING_KICK, u64(0x100 | attempt.queue()));
            session.enable(attempt.queue(), 1);
            attempt.served(ring);
        }
    }

    private static void blockingCall(Target target) throws Exception {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            attempt.served(ring);
            block(ring.call());
            ring.queue().arm();
            target.driver().request(attempt.session(), ring, 3);
            attempt.dropped();
        }
    }

    private static void blockingError(Target target) throws Exception {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            attempt.served(ring);
            block(ring.error());
            ((SplitDriverQueue) ring.queue()).availableIndex(1 + QUEUE_SIZE + 1);
            ring.kick().signal();
            attempt.dropped();
        }
    }

    /** Fills an eventfd up: the next signal has to wait, and may, since the descriptor blocks. */
    private static void block(Eventfd eventfd) throws Exception {
        try (var value = NativeBuffer.allocate(8, 8)) {
            eventfd.drain();
            ForeignMemory.putLong(value.address(), -2);
            int fd = eventfd.fd().number();
            if (FileCalls.write(fd, value.address(), 8) != 8) {
                throw new IllegalStateException("the eventfd cannot be filled");
            }
            FileCalls.setFlags(fd, FileCalls.flags(fd) & ~O_NONBLOCK);
        }
    }

    /** A kick that one read does not take away, and calls that nobody collects. */
    private static void semaphores(Target target) throws Exception {
        try (var attempt = Attempt.open(target);
                var kick = Eventfd.createSemaphore(-1);
                var call = Eventfd.createSemaphore(-1)) {
            var ring = attempt.start();
            attempt.session().tell(SET_VRING_CALL, u64(attempt.queue()), call.fd());
            attempt.session().tell(SET_VRING_ERR, u64(attempt.queue()), call.fd());
            attempt.session().tell(SET_VRING_KICK, u64(attempt.queue()), kick.fd());
            var polled = new Ring(ring.queue(), kick, call, ring.error());
            for (int i = 0; i < 100; i++) {
                ring.queue().arm();
                attempt.served(polled);
            }
        }
    }

    private static void manyEventfds(Target target) throws Exception {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            for (int i = 0; i < 1000; i++) {
                try (var event = Eventfd.create()) {
                    attempt.session().tell(SET_VRING_CALL, u64(attempt.queue()), event.fd());
                    attempt.session().tell(SET_VRING_ERR, u64(attempt.queue()), event.fd());
                    attempt.session().tell(SET_VRING_KICK, u64(attempt.queue()), event.fd());
                }
            }
            attempt.session().kick(attempt.queue(), ring);
            attempt.served(ring);
        }
    }

    private static List<Attack> indices() {
        var all = new ArrayList<Attack>();
        for (int index : new int[] {64, 0xff, 0x100, 0x10000, -1, Integer.MIN_VALUE}) {
            for (int request : INDEXED) {
                var body =
                        payload(request == SET_VRING_ADDR ? 40 : 8).putInt(0, index).putInt(4, 1);
                all.add(
                        refused(
                                22,
                                "request "
                                        + request
                                        + " for queue "
                                        + Integer.toUnsignedString(index),
                                request,
                                body));
            }
            all.add(
                    new Attack(
                            22,
                            "GET_VRING_BASE for queue " + Integer.toUnsignedString(index),
                            target -> {
                                try (var attempt = Attempt.open(target)) {
                                    attempt.dropped(GET_VRING_BASE, state(index, 0));
                                }
                            }));
        }
        for (int request : WITH_EVENTFD) {
            for (long value : new long[] {0x140, 0x1ff, 0x300, 1L << 63, -1}) {
                all.add(
                        refused(
                                22,
                                "request " + request + " with 0x" + Long.toHexString(value),
                                request,
                                u64(value)));
            }
        }
        all.add(new Attack(22, "ring before memory", MessageAttacks::ringBeforeMemory));
        all.add(
                new Attack(
                        22,
                        "enabled before it is described, which is legal",
                        target -> {
                            try (var attempt = Attempt.open(target)) {
                                attempt.session().enable(attempt.queue(), 1);
                                attempt.served(attempt.start());
                            }
                        }));
        return all;
    }

    private static void ringBeforeMemory(Target target) {
        try (var attempt = Attempt.connect(target)) {
            attempt.negotiate();
            var queue = DriverQueue.of(attempt.memory(), QUEUE_SIZE, 0);
            attempt.session().tell(SET_VRING_NUM, state(attempt.queue(), QUEUE_SIZE));
            attempt.refused(SET_VRING_ADDR, VhostUserSession.addresses(attempt.queue(), queue));
        }
    }

    private static List<Attack> features() {
        var all = new ArrayList<Attack>();
        all.add(refused(27, "features never offered", SET_FEATURES, u64(~0L)));
        all.add(refused(27, "protocol features never offered", SET_PROTOCOL_FEATURES, u64(~0L)));
        all.add(
                new Attack(
                        27,
                        "other features while a queue runs",
                        target -> {
                            try (var attempt = Attempt.open(target)) {
                                var ring = attempt.start();
                                long fewer =
                                        attempt.session().features() & ~VhostUserSession.EVENT_IDX;
                                attempt.refused(SET_FEATURES, u64(fewer));
                                attempt.session()
                                        .tell(SET_FEATURES, u64(attempt.session().features()));
                                attempt.served(ring);
                            }
                        }));
        all.add(
                new Attack(
                        27,
                        "a ring without VERSION_1",
                        target -> {
                            try (var attempt = Attempt.open(target)) {
                                attempt.session()
                                        .tell(
                                                SET_FEATURES,
                                                u64(VhostUserSession.PROTOCOL_FEATURES));
                                var queue = DriverQueue.of(attempt.memory(), QUEUE_SIZE, 0);
                                var ring = attempt.session().describe(attempt.queue(), queue, 0);
                                attempt.session().kick(attempt.queue(), ring);
                                attempt.refused(SET_VRING_ENABLE, state(attempt.queue(), 1));
                            }
                        }));
        all.add(
                new Attack(
                        27,
                        "a reply expected without REPLY_ACK",
                        target -> {
                            try (var attempt =
                                    Attempt.open(target, false, new DriverMemory(Attempt.MEMORY))) {
                                attempt.frontEnd().sendNeedReply(SET_OWNER, payload(0));
                                if (attempt.frontEnd().receive(50).isPresent()) {
                                    throw new AssertionError("a reply that was not negotiated");
                                }
                                attempt.fine();
                            }
                        }));
        all.add(
                new Attack(
                        27,
                        "messages of features before they are negotiated",
                        target -> {
                            for (int request :
                                    new int[] {
                                        GET_QUEUE_NUM,
                                        GET_CONFIG,
                                        GET_INFLIGHT_FD,
                                        GET_MAX_MEM_SLOTS,
                                        RESET_DEVICE,
                                        GET_STATUS
                                    }) {
                                try (var attempt = Attempt.connect(target)) {
                                    attempt.dropped(request, payload(0));
                                }
                            }
                        }));
        return all;
    }

    private static List<Attack> configuration() {
        var all = new ArrayList<Attack>();
        for (int request : NEVER_OFFERED) {
            all.add(refused(28, "request " + request + ", which was not offered", request, u64(0)));
        }
        for (var range :
                new int[][] {
                    {0, 0}, {256, 1}, {255, 2}, {-1, 4}, {Integer.MAX_VALUE, 4}, {0, 300}
                }) {
            var name =
                    "configuration from "
                            + Integer.toUnsignedString(range[0])
                            + ", "
                            + range[1]
                            + " bytes";
            all.add(
                    new Attack(
                            28, "read " + name, target -> readConfig(target, range[0], range[1])));
            var body = payload(12 + range[1]).putInt(0, range[0]).putInt(4, range[1]);
            all.add(refused(28, "write " + name, SET_CONFIG, body));
        }
        all.add(
                refused(
                        28,
                        "configuration whose size is not that of its payload",
                        SET_CONFIG,
                        payload(16).putInt(4, 4000)));
        all.add(refused(28, "a read-only field written", SET_CONFIG, payload(20).putInt(4, 8)));
        all.add(
                refused(
                        28,
                        "configuration of a migration",
                        SET_CONFIG,
                        payload(13).putInt(0, 32).putInt(4, 1).putInt(8, 1)));
        all.add(
                new Attack(
                        28,
                        "GET_VRING_BASE of a ring that never ran",
                        target -> {
                            try (var attempt = Attempt.open(target)) {
                                if (attempt.session().stop(attempt.queue()) != 0) {
                                    throw new AssertionError("a base from nowhere");
                                }
                            }
                        }));
        all.add(
                new Attack(
                        28,
                        "RESET_OWNER, which is ignored",
                        target -> {
                            try (var attempt = Attempt.open(target)) {
                                var ring = attempt.start();
                                attempt.session().tell(RESET_OWNER, payload(0));
                                attempt.served(ring);
                            }
                        }));
        for (long status : new long[] {0x100, -1}) {
            all.add(refused(28, "status 0x" + Long.toHexString(status), SET_STATUS, u64(status)));
        }
        return all;
    }

    /** An empty reply says no; where the device has no configuration to read, the session ends. */
    private static void readConfig(Target target, int offset, int size) {
        try (var attempt = Attempt.open(target)) {
            var body = payload(12 + size).putInt(0, offset).putInt(4, size);
            attempt.frontEnd().send(GET_CONFIG, body);
            if ((attempt.session().protocolFeatures() & VhostUserSession.CONFIG) == 0) {
                attempt.dropped();
            } else if (attempt.frontEnd().receive().body().capacity() != 0) {
                throw new AssertionError("a configuration from nowhere");
            }
        }
    }
}
