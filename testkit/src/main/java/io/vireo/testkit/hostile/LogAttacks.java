package io.vireo.testkit.hostile;

import static io.vireo.testkit.VhostUserFrontEnd.*;
import static io.vireo.testkit.hostile.Attempt.MEMORY;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.Memfd;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserFrontEnd.HungUpException;
import io.vireo.testkit.VhostUserSession;
import io.vireo.virtqueue.DirtyLog;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Dirty logs that cannot be, and logs that change or go under I/O: group 25. */
final class LogAttacks {
    private static final int GROUP = 25;
    private static final long SIZE = DirtyLog.bytesFor(DriverMemory.GUEST_BASE + MEMORY);
    private static final int STORM = 300;

    private LogAttacks() {}

    static List<Attack> all() {
        var all = new ArrayList<Attack>();
        all.add(dropped("a log that is too small", SIZE - 1, 0, SIZE));
        all.add(dropped("an empty log", 0, 0, SIZE));
        all.add(dropped("a log beyond its file", SIZE, 4096, SIZE));
        all.add(dropped("a log that wraps around", SIZE, -4096, SIZE));
        all.add(dropped("a log larger than any", -1, 0, SIZE));
        all.add(dropped("a log at no page", SIZE, Long.MAX_VALUE - SIZE + 1, SIZE));
        all.add(new Attack(GROUP, "a log that is read-only", LogAttacks::readOnly));
        all.add(new Attack(GROUP, "a log without a descriptor", LogAttacks::withoutFd));
        all.add(new Attack(GROUP, "a log replaced and toggled under I/O", LogAttacks::storm));
        all.add(new Attack(GROUP, "used rings logged where they are not", LogAttacks::addresses));
        all.add(new Attack(GROUP, "memory that outgrows its log", LogAttacks::outgrown));
        // Group 24 is run once more in machines that interpret and that compile at once.
        all.add(new Attack(24, "a log taken away under I/O", LogAttacks::truncated));
        return all;
    }

    /** The payload of SET_LOG_BASE. */
    private static ByteBuffer log(long size, long offset) {
        return payload(16).putLong(0, size).putLong(8, offset);
    }

    private static Fd file(long size, int flags) {
        try {
            return Memfd.create("log", size, flags);
        } catch (ErrnoException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Attack dropped(String name, long size, long offset, long fileSize) {
        return new Attack(
                GROUP,
                name,
                target -> {
                    try (var attempt = Attempt.open(target);
                            var file = file(fileSize, 0)) {
                        attempt.start();
                        attempt.dropped(SET_LOG_BASE, log(size, offset), file);
                    }
                });
    }

    private static void readOnly(Target target) throws ErrnoException {
        try (var attempt = Attempt.open(target);
                var file = file(SIZE, Memfd.MFD_ALLOW_SEALING)) {
            Memfd.addSeals(file, Memfd.F_SEAL_WRITE);
            attempt.dropped(SET_LOG_BASE, log(SIZE, 0), file);
        }
    }

    private static void withoutFd(Target target) {
        try (var attempt = Attempt.open(target)) {
            attempt.dropped(SET_LOG_BASE, log(SIZE, 0));
        }
    }

    private static void set(Attempt attempt, Fd file) {
        attempt.frontEnd().ask(SET_LOG_BASE, log(SIZE, 0), file);
    }

    private static void logAll(Attempt attempt, boolean on) {
        var session = attempt.session();
        long others = session.features() & ~VhostUserSession.LOG_ALL;
        session.tell(SET_FEATURES, u64(on ? others | VhostUserSession.LOG_ALL : others));
    }

    private static void storm(Target target) {
        try (var attempt = Attempt.open(target);
                var one = file(SIZE, 0);
                var other = file(2 * SIZE, Memfd.MFD_ALLOW_SEALING)) {
            var ring = attempt.start();
            for (int i = 0; i < STORM; i++) {
                set(attempt, i % 2 == 0 ? one : other);
                logAll(attempt, i % 3 == 0);
                attempt.served(ring);
            }
        }
    }

    private static void addresses(Target target) {
        try (var attempt = Attempt.open(target);
                var file = file(SIZE, 0)) {
            set(attempt, file);
            logAll(attempt, true);
            var ring = attempt.start();
            for (long address :
                    new long[] {0, 4, SIZE * 8 * 4096, Long.MAX_VALUE & ~3L, 1L << 62}) {
                var body = VhostUserSession.addresses(attempt.queue(), ring.queue());
                attempt.session().tell(SET_VRING_ADDR, body.putInt(4, 1).putLong(32, address));
                attempt.served(ring);
            }
            for (long address : new long[] {2, -4}) {
                var body = VhostUserSession.addresses(attempt.queue(), ring.queue());
                attempt.refused(SET_VRING_ADDR, body.putInt(4, 1).putLong(32, address));
            }
            var flags = VhostUserSession.addresses(attempt.queue(), ring.queue());
            attempt.refused(SET_VRING_ADDR, flags.putInt(4, 2));
            attempt.served(ring);
        }
    }

    private static void outgrown(Target target) {
        try (var attempt = Attempt.open(target);
                var file = file(SIZE, 0);
                var more = file(4096, 0)) {
            set(attempt, file);
            logAll(attempt, true);
            var ring = attempt.start();
            var region = payload(40).putLong(8, 1L << 40).putLong(16, 4096).putLong(24, 1L << 40);
            attempt.refused(ADD_MEM_REG, region, more);
            attempt.served(ring);
            logAll(attempt, false);
            attempt.session().tell(ADD_MEM_REG, region, more);
            attempt.served(ring);
        }
    }

    private static void truncated(Target target) throws Exception {
        try (var attempt = Attempt.open(target);
                var file = file(SIZE, 0)) {
            set(attempt, file);
            logAll(attempt, true);
            var ring = attempt.start();
            attempt.served(ring);
            FileCalls.ftruncate(file, 0);
            try {
                for (int i = 0; i < STORM; i++) {
                    attempt.served(ring);
                }
            } catch (IllegalStateException | HungUpException e) {
                // The device stopped, as it should.
            }
            attempt.dropped();
        }
    }
}
