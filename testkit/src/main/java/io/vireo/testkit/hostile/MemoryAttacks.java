package io.vireo.testkit.hostile;

import static io.vireo.testkit.Eventually.until;
import static io.vireo.testkit.VhostUserFrontEnd.*;
import static io.vireo.testkit.hostile.Attempt.MEMORY;
import static io.vireo.testkit.hostile.Attempt.QUEUE_SIZE;

import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Memfd;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.VhostUserFrontEnd.HungUpException;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Tables of memory that cannot be, and memory that changes or goes: groups 23 and 24. */
final class MemoryAttacks {
    private static final int SLOTS = 509;
    private static final int STORM = 2000;
    private static final long PART = 64 * 1024;
    private static final long GUEST = 0x9000_0000L;
    private static final long USER = 0x7fff_0000_0000L;

    private MemoryAttacks() {}

    static List<Attack> all() {
        var all = new ArrayList<Attack>();
        all.addAll(tables());
        all.add(new Attack(23, "tables that come fast under a running ring", MemoryAttacks::storm));
        all.add(
                new Attack(
                        23,
                        "a region removed that holds a running ring",
                        MemoryAttacks::removeRing));
        all.add(
                new Attack(
                        23,
                        "a table that ends before the last field of a running ring",
                        MemoryAttacks::cutEvent));
        all.add(
                new Attack(
                        23, "a region removed that was never there", MemoryAttacks::removeNothing));
        all.add(new Attack(23, "more regions than there are slots", MemoryAttacks::slots));
        all.add(new Attack(24, "memory that cannot be taken away any more", MemoryAttacks::sealed));
        all.add(new Attack(24, "memory taken away under I/O", target -> truncated(target, 0)));
        all.add(
                new Attack(
                        24,
                        "half of the memory taken away under I/O",
                        target -> truncated(target, MEMORY / 2)));
        all.add(new Attack(24, "memory taken away and given back", MemoryAttacks::flapping));
        all.add(new Attack(24, "memory that grows", MemoryAttacks::grows));
        all.add(new Attack(24, "holes punched under I/O", MemoryAttacks::punched));
        return all;
    }

    private static ByteBuffer region(long guest, long size, long user, long offset) {
        return payload(40)
                .putLong(8, guest)
                .putLong(16, size)
                .putLong(24, user)
                .putLong(32, offset);
    }

    private static ByteBuffer table(ByteBuffer... regions) {
        var table = payload(8 + 32 * regions.length).putInt(0, regions.length);
        for (int i = 0; i < regions.length; i++) {
            table.put(8 + 32 * i, regions[i].array(), 8, 32);
        }
        return table;
    }

    private static List<Attack> tables() {
        var all = new ArrayList<Attack>();
        all.add(refused("a table of 0 regions", table(), 0));
        all.add(refused("a table of 9 regions", payload(8 + 9 * 32).putInt(0, 9), 8));
        all.add(refused("a table of 2^31 regions", payload(40).putInt(0, Integer.MIN_VALUE), 1));
        all.add(
                refused(
                        "fewer descriptors than regions",
                        table(region(GUEST, 4096, USER, 0), region(2 * GUEST, 4096, 2 * USER, 0)),
                        1));
        all.add(refused("more descriptors than regions", table(region(GUEST, 4096, USER, 0)), 2));
        all.add(
                refused(
                        "overlap by guest address",
                        table(
                                region(GUEST, 8192, USER, 0),
                                region(GUEST + 4096, 4096, 2 * USER, 0)),
                        2));
        all.add(
                refused(
                        "overlap by user address",
                        table(
                                region(GUEST, 8192, USER, 0),
                                region(2 * GUEST, 4096, USER + 4096, 0)),
                        2));
        var wrong = new ArrayList<ByteBuffer>();
        wrong.add(region(GUEST, 0, USER, 0));
        wrong.add(region(GUEST, 4096, USER, -4096));
        wrong.add(region(GUEST, -4096, USER, 8192));
        wrong.add(region(GUEST, 4096, USER, MEMORY));
        wrong.add(region(GUEST, MEMORY + 4096, USER, 0));
        wrong.add(region(GUEST + 1, 4096, USER, 0));
        wrong.add(region(GUEST, 4097, USER, 0));
        wrong.add(region(GUEST, 4096, USER + 512, 0));
        wrong.add(region(GUEST, 4096, USER, 512));
        wrong.add(region(GUEST, 1L << 47, USER, 0));
        wrong.add(region(-4096, 8192, USER, 0));
        wrong.add(region(GUEST, 8192, -4096, 0));
        for (int i = 0; i < wrong.size(); i++) {
            all.add(refused("wrong region " + i, table(wrong.get(i)), 1));
            all.add(refusedRegion("wrong region " + i + " added", wrong.get(i)));
        }
        return all;
    }

    private static Attack refused(String name, ByteBuffer body, int fds) {
        return new Attack(
                23,
                name,
                target -> {
                    for (boolean acknowledged : new boolean[] {true, false}) {
                        try (var attempt =
                                Attempt.open(target, acknowledged, new DriverMemory(MEMORY))) {
                            var all = new Fd[fds];
                            Arrays.fill(all, attempt.memory().fd());
                            attempt.refused(SET_MEM_TABLE, body, all);
                        }
                    }
                });
    }

    private static Attack refusedRegion(String name, ByteBuffer body) {
        return new Attack(
                23,
                name,
                target -> {
                    try (var attempt = Attempt.open(target)) {
                        var ring = attempt.start();
                        attempt.refused(ADD_MEM_REG, body, attempt.memory().fd());
                        attempt.served(ring);
                    }
                });
    }

    private static void storm(Target target) {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            for (int i = 0; i < STORM; i++) {
                attempt.session().shareMemory();
                if (i % 10 == 0) {
                    attempt.served(ring);
                }
            }
        }
    }

    private static void removeRing(Target target) {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            var region = attempt.memory().regions().get(0);
            var body = region(region.guestAddress(), region.size(), region.userAddress(), 0);
            attempt.refused(REM_MEM_REG, body);
            attempt.served(ring);
        }
    }

    /** The event field of a used ring lies in a page of its own, which a table leaves out. */
    private static void cutEvent(Target target) {
        try (var attempt = Attempt.open(target)) {
            var session = attempt.session();
            var memory = attempt.memory();
            long used = DriverMemory.GUEST_BASE + PART - 4 - 8 * QUEUE_SIZE;
            var queue = DriverQueue.of(memory, QUEUE_SIZE, session.features());
            var ring = session.describe(attempt.queue(), queue, 0);
            var addresses = VhostUserSession.addresses(attempt.queue(), queue);
            session.tell(SET_VRING_ADDR, addresses.putLong(16, memory.user(used)));
            session.kick(attempt.queue(), ring);
            session.enable(attempt.queue(), 1);
            answered(target, attempt, ring, used, 1);
            var all = memory.regions().getFirst();
            var part = region(all.guestAddress(), PART, all.userAddress(), 0);
            attempt.refused(SET_MEM_TABLE, table(part), memory.fd());
            answered(target, attempt, ring, used, 2);
        }
    }

    /** A request is answered in a used ring that is not where the driver's double has it. */
    private static void answered(
            Target target, Attempt attempt, Ring ring, long used, int expected) {
        target.driver().request(attempt.session(), ring, 3);
        ring.kick().signal();
        long index = attempt.memory().host(used) + 2;
        until("a used buffer", () -> ForeignMemory.getShortAcquire(index) == expected);
    }

    private static void removeNothing(Target target) {
        try (var attempt = Attempt.open(target)) {
            attempt.refused(REM_MEM_REG, region(GUEST, 4096, USER, 0));
        }
    }

    private static void slots(Target target) {
        try (var attempt = Attempt.open(target)) {
            for (int i = 1; i < SLOTS; i++) {
                attempt.session().tell(ADD_MEM_REG, slot(i), attempt.memory().fd());
            }
            attempt.refused(ADD_MEM_REG, slot(SLOTS), attempt.memory().fd());
            attempt.served(attempt.start());
        }
    }

    private static ByteBuffer slot(int i) {
        return region(GUEST + 4096L * i, 4096, USER + 4096L * i, 0);
    }

    private static void sealed(Target target) throws Exception {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            Eventually.until("the back end seals the memory", () -> isSealed(attempt.memory()));
            try {
                FileCalls.ftruncate(attempt.memory().fd(), 0);
                throw new AssertionError("the back end did not seal the memory");
            } catch (ErrnoException e) {
                if (e.errno() != Errno.EPERM) {
                    throw e;
                }
            }
            attempt.served(ring);
        }
    }

    private static boolean isSealed(DriverMemory memory) {
        try {
            return (Memfd.seals(memory.fd()) & Memfd.F_SEAL_SHRINK) != 0;
        } catch (ErrnoException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Memory that the back end cannot seal. */
    private static DriverMemory unsealable() throws ErrnoException {
        var memory = new DriverMemory(MEMORY);
        Memfd.addSeals(memory.fd(), Memfd.F_SEAL_SEAL);
        return memory;
    }

    private static void truncated(Target target, long to) throws Exception {
        for (int i = 0; i < 10; i++) {
            try (var attempt = Attempt.open(target, true, unsealable())) {
                var ring = attempt.start();
                attempt.served(ring);
                target.driver().request(attempt.session(), ring, 3);
                FileCalls.ftruncate(attempt.memory().fd(), to);
                // Where half is left, that may be all that the back end has to look at.
                kickUntilDropped(attempt, ring, to == 0);
            }
            target.witness().run();
        }
    }

    /** The back end notices when it looks at the memory, which a kick makes it do. */
    private static void kickUntilDropped(Attempt attempt, Ring ring, boolean certain) {
        for (int i = 0; i < (certain ? 5000 : 50); i++) {
            ring.kick().signal();
            try {
                attempt.fine();
            } catch (HungUpException e) {
                return;
            }
            Attempt.pause(1);
        }
        if (certain) {
            throw new AssertionError("the back end goes on without memory");
        }
    }

    private static void flapping(Target target) throws Exception {
        for (int i = 0; i < 5; i++) {
            try (var attempt = Attempt.open(target, true, unsealable())) {
                var ring = attempt.start();
                for (int j = 0; j < 200; j++) {
                    FileCalls.ftruncate(attempt.memory().fd(), 0);
                    ring.kick().signal();
                    FileCalls.ftruncate(attempt.memory().fd(), MEMORY);
                    ring.kick().signal();
                }
                attempt.survived();
            }
            target.witness().run();
        }
    }

    private static void grows(Target target) throws Exception {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            FileCalls.ftruncate(attempt.memory().fd(), 2 * MEMORY);
            attempt.served(ring);
        }
    }

    private static void punched(Target target) {
        try (var attempt = Attempt.open(target)) {
            var ring = attempt.start();
            attempt.served(ring);
            int mode = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
            for (int i = 0; i < 100; i++) {
                FileCalls.fallocate(attempt.memory().fd().number(), mode, 0, MEMORY);
                ring.kick().signal();
            }
            attempt.survived();
        }
        target.witness().run();
    }
}
