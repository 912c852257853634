package io.vireo.testkit.crash;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Something that a client or an operator does.
 *
 * @param kind what
 * @param volume which of the volumes that it can be done to, counted round
 * @param sector first sector, counted round
 * @param sectors how many
 * @param awaited whether it has to have ended before the next begins
 */
public record TraceOperation(Kind kind, int volume, int sector, int sectors, boolean awaited) {
    public enum Kind {
        WRITE_NEW,
        OVERWRITE,
        PARTIAL,
        FUA,
        FLUSH,
        DISCARD,
        ZERO,
        SNAPSHOT,
        /** Snapshots of several volumes, which are written to meanwhile, at one moment. */
        GROUP,
        CLONE,
        DELETE,
        GROW,
        ROLLBACK,
        /** A volume begins to move; or, if it moves, it is there. */
        MIGRATE,
        CREATE,
        READ,
        SETTLE,
        IDLE
    }

    /** What exhaustive sequences are made of, on the first volume, whose first half has data. */
    private static final List<TraceOperation> ALPHABET =
            List.of(
                    new TraceOperation(Kind.WRITE_NEW, 0, 160, 16, true),
                    new TraceOperation(Kind.OVERWRITE, 0, 8, 16, true),
                    new TraceOperation(Kind.PARTIAL, 0, 29, 5, true),
                    new TraceOperation(Kind.FUA, 0, 24, 16, true),
                    new TraceOperation(Kind.FLUSH, 0, 0, 0, true),
                    new TraceOperation(Kind.DISCARD, 0, 0, 64, true),
                    new TraceOperation(Kind.ZERO, 0, 16, 56, true),
                    new TraceOperation(Kind.SNAPSHOT, 0, 0, 0, true),
                    new TraceOperation(Kind.GROUP, 0, 16, 0, true),
                    new TraceOperation(Kind.CLONE, 0, 0, 0, true),
                    new TraceOperation(Kind.DELETE, 1, 0, 0, true),
                    new TraceOperation(Kind.GROW, 0, 0, 0, true),
                    new TraceOperation(Kind.ROLLBACK, 0, 0, 0, true),
                    new TraceOperation(Kind.MIGRATE, 0, 0, 0, true));

    /**
     * What has to be there before an exhaustive sequence: two tenants, a snapshot, writes since.
     */
    static final List<TraceOperation> SETUP =
            List.of(
                    new TraceOperation(Kind.CREATE, 0, 0, 0, true),
                    new TraceOperation(Kind.CREATE, 0, 0, 0, true),
                    new TraceOperation(Kind.OVERWRITE, 0, 0, 96, true),
                    new TraceOperation(Kind.OVERWRITE, 1, 0, 64, true),
                    new TraceOperation(Kind.SNAPSHOT, 0, 0, 0, true),
                    new TraceOperation(Kind.OVERWRITE, 0, 40, 16, true),
                    new TraceOperation(Kind.FLUSH, 0, 0, 0, true),
                    new TraceOperation(Kind.FLUSH, 1, 0, 0, true));

    /**
     * All sequences of a length: 13 to its power if the store moves volumes, else 12 to its power.
     * In those of up to two there are also snapshots of groups.
     */
    public static List<List<TraceOperation>> sequences(int length, boolean moves) {
        List<TraceOperation> alphabet =
                ALPHABET.stream()
                        .filter(each -> moves || each.kind() != Kind.MIGRATE)
                        .filter(each -> length < 3 || each.kind() != Kind.GROUP)
                        .toList();
        List<List<TraceOperation>> all = List.of(List.of());
        for (int i = 0; i < length; i++) {
            var longer = new ArrayList<List<TraceOperation>>();
            for (List<TraceOperation> sequence : all) {
                for (TraceOperation next : alphabet) {
                    var extended = new ArrayList<>(sequence);
                    extended.add(next);
                    longer.add(extended);
                }
            }
            all = longer;
        }
        return all;
    }

    /** A drawn trace, of which most operations do not wait for the one before. */
    public static List<TraceOperation> random(long seed, int length) {
        var random = new Random(seed);
        var trace = new ArrayList<TraceOperation>();
        for (int i = 0; i < length; i++) {
            trace.add(drawn(random));
        }
        return trace;
    }

    private static TraceOperation drawn(Random random) {
        Kind kind =
                switch (random.nextInt(100)) {
                    case 0 -> Kind.CREATE;
                    case 1, 2 -> Kind.SNAPSHOT;
                    case 3 -> Kind.GROUP;
                    case 4, 5 -> Kind.CLONE;
                    case 6, 7, 8, 9 -> Kind.DELETE;
                    case 10 -> Kind.GROW;
                    case 11 -> Kind.ROLLBACK;
                    case 12, 13, 14, 15 -> Kind.DISCARD;
                    case 16, 17, 18, 19 -> Kind.ZERO;
                    case 20, 21, 22, 23, 24 -> Kind.READ;
                    case 25, 26 -> Kind.SETTLE;
                    case 27 -> Kind.IDLE;
                    case 28 -> Kind.MIGRATE;
                    case 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39 -> Kind.FLUSH;
                    case 40, 41, 42, 43, 44, 45 -> Kind.FUA;
                    case 46, 47, 48, 49, 50, 51, 52, 53 -> Kind.PARTIAL;
                    default -> Kind.OVERWRITE;
                };
        boolean partial = kind == Kind.PARTIAL;
        int sectors = partial ? 1 + random.nextInt(20) : 8 * (1 + random.nextInt(9));
        int sector = random.nextInt(partial ? 4096 : 512) * (partial ? 1 : 8);
        return new TraceOperation(
                kind, random.nextInt(64), sector, sectors, random.nextInt(4) == 0);
    }

    @Override
    public String toString() {
        return "%s(%d, %d+%d%s)"
                .formatted(kind, volume, sector, sectors, awaited ? "" : ", goes on");
    }
}
