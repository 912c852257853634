package io.vireo.testkit.crash;

import static io.vireo.testkit.crash.DiskLog.NEVER;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What a volume or snapshot was told, and so what each of its sectors may read as. */
final class VolumeModel {
    /** A change of sectors. */
    static final class Change {
        final int submitted;
        final long version;
        final boolean discard;
        final @Nullable VolumeModel restored;
        int completed = NEVER;

        /** What was submitted before this had ended by then. */
        int calm = -1;

        /** From when on it is surely durable. */
        int durable = NEVER;

        boolean failed;

        Change(int submitted, long version, boolean discard, @Nullable VolumeModel restored) {
            this.submitted = submitted;
            this.version = version;
            this.discard = discard;
            this.restored = restored;
        }
    }

    /** Which changes have happened at the moment in question. */
    private interface Moment {
        /** Whether a change may have had effect. */
        boolean begun(Change change);

        /** Whether it has had effect, so that what came before it is gone. */
        boolean settled(Change change);
    }

    /** How often something was read of snapshots. */
    private static final class Pins {
        private int count;
    }

    private static final long UNKNOWN = -2;
    private static final int PER_BLOCK = 8;

    final String name;
    final long number;
    final boolean readOnly;
    final @Nullable VolumeModel source;
    final int createSubmitted;
    int created = NEVER;
    int deleteSubmitted = NEVER;
    int deleted = NEVER;

    private final List<Change> growths = new ArrayList<>();
    private final List<@Nullable List<Change>> sectors = new ArrayList<>();
    private final List<Change> unflushed = new ArrayList<>();
    private final List<Change> rollbacks = new ArrayList<>();
    private final BitSet partial = new BitSet();
    private final long startCapacity;
    private long[] baseline = {};
    private long[] pinned = {};

    /** Of all that have been copied from each other. */
    private final Pins pins;

    /** What its sectors may have begun as, since so many pins; see {@link #beganAs}. */
    private long[] began = {};

    private int beganAt;

    /** Sectors of its source; see {@link #changedMeanwhile}. */
    private int @Nullable [] meanwhile;

    private int open;
    private int calm = -1;

    VolumeModel(
            String name,
            long number,
            boolean readOnly,
            @Nullable VolumeModel source,
            long capacity,
            int submitted) {
        this.name = name;
        this.number = number;
        this.readOnly = readOnly;
        this.source = source;
        startCapacity = capacity;
        createSubmitted = submitted;
        if (source != null) {
            partial.or(source.partial);
        }
        pins = source == null ? new Pins() : source.pins;
    }

    /** A volume that was found, as it was found. */
    static VolumeModel found(VolumeModel old, long[] values) {
        var model =
                new VolumeModel(
                        old.name,
                        old.number,
                        old.readOnly,
                        null,
                        (long) values.length * Sectors.SIZE,
                        -1);
        model.created = -1;
        model.baseline = values;
        for (int block = 0; block < values.length / PER_BLOCK; block++) {
            if (!isUniform(values, block)) {
                model.partial.set(block);
            }
        }
        return model;
    }

    /** Bytes that it has after everything it was told. */
    long capacity() {
        return growths.isEmpty() ? startCapacity : growths.getLast().version;
    }

    Change grow(long capacity, int now) {
        var change = new Change(now, capacity, false, null);
        growths.add(change);
        return change;
    }

    /** A write, a write of zeroes (version 0) or a discard. */
    Change change(int first, int count, long version, boolean discard, int now) {
        Change change = begun(new Change(now, version, discard, null));
        for (int i = first; i < first + count; i++) {
            changes(i).add(change);
        }
        if (first % PER_BLOCK != 0) {
            partial.set(first / PER_BLOCK);
        }
        if ((first + count) % PER_BLOCK != 0) {
            partial.set((first + count) / PER_BLOCK);
        }
        return change;
    }

    Change rollback(VolumeModel snapshot, int now) {
        Change change = begun(new Change(now, 0, false, snapshot));
        for (int i = 0; i < capacity() / Sectors.SIZE; i++) {
            changes(i).add(change);
        }
        partial.or(snapshot.partial);
        rollbacks.add(change);
        return change;
    }

    private List<Change> changesOf(int sector) {
        List<Change> list = sector < sectors.size() ? sectors.get(sector) : null;
        return list == null ? List.of() : list;
    }

    private List<Change> changes(int sector) {
        while (sectors.size() <= sector) {
            sectors.add(null);
        }
        List<Change> list = sectors.get(sector);
        if (list == null) {
            list = new ArrayList<>();
            sectors.set(sector, list);
        }
        return list;
    }

    private Change begun(Change change) {
        change.calm = calm;
        open++;
        return change;
    }

    /** A change has ended. */
    void completed(Change change, boolean durable, int now) {
        change.completed = now;
        if (--open == 0) {
            calm = now;
        }
        if (durable) {
            change.durable = now;
        } else {
            unflushed.add(change);
        }
    }

    /** A flush that was submitted at a time has succeeded. */
    void flushed(int submitted, int now) {
        unflushed.removeIf(change -> {
            boolean covered = change.completed < submitted && !change.failed;
            if (covered) {
                change.durable = now;
            }
            return covered;
        });
    }

    /** Whether it has to be there after a crash. */
    boolean mustExist(int crash) {
        return created < crash && deleteSubmitted >= crash;
    }

    boolean mayExist(int crash) {
        return createSubmitted < crash && deleted >= crash;
    }

    /** What is wrong with a volume that was found after a crash, if anything. */
    Optional<String> afterCrash(long[] values, int crash, boolean torn) {
        long must = startCapacity;
        boolean known = (long) values.length * Sectors.SIZE == startCapacity;
        for (Change growth : growths) {
            if (growth.completed < crash) {
                must = growth.version;
            }
            known |=
                    growth.submitted < crash
                            && (long) values.length * Sectors.SIZE == growth.version;
        }
        if (!known || (long) values.length * Sectors.SIZE < must) {
            return Optional.of(
                    "%s has %d bytes, not %d"
                            .formatted(name, (long) values.length * Sectors.SIZE, must));
        }
        Optional<Change> pending =
                rollbacks.stream()
                        .filter(r -> r.submitted < crash && r.durable >= crash)
                        .findFirst();
        Optional<String> trouble = compare(values, crashed(crash, Optional.empty()), torn);
        if (trouble.isPresent() && pending.isPresent()) {
            trouble = compare(values, crashed(crash, pending), torn);
        }
        return trouble;
    }

    /**
     * A crash at a time. A rollback is atomic: {@code done} is taken to have happened, any other
     * that had not ended is not.
     */
    private static Moment crashed(int crash, Optional<Change> done) {
        return new Moment() {
            @Override
            public boolean begun(Change change) {
                if (change.restored != null && change.durable >= crash) {
                    return done.isPresent() && done.get() == change;
                }
                return change.submitted < crash;
            }

            @Override
            public boolean settled(Change change) {
                return change.durable < crash || done.isPresent() && done.get() == change;
            }
        };
    }

    /** What is wrong with sectors that were read while the store ran, if anything. */
    Optional<String> live(int first, long[] values, int submitted, int now) {
        Moment moment = between(submitted, now);
        for (int i = 0; i < values.length; i++) {
            if (!mayHold(first + i, values[i], moment)) {
                return Optional.of(complaint(first + i, values[i]));
            }
        }
        pin(first, values);
        return Optional.empty();
    }

    private void pin(int first, long[] values) {
        if (!readOnly) {
            return;
        }
        if (pinned.length == 0) {
            pinned = new long[(int) (startCapacity / Sectors.SIZE)];
            Arrays.fill(pinned, UNKNOWN);
        }
        System.arraycopy(values, 0, pinned, first, values.length);
        pins.count++;
    }

    /** Everything that ended before {@code settled} is in, nothing that began after {@code now}. */
    private static Moment between(int settled, int now) {
        return new Moment() {
            @Override
            public boolean begun(Change change) {
                return change.submitted < now;
            }

            @Override
            public boolean settled(Change change) {
                return change.completed < settled && !change.failed;
            }
        };
    }

    /**
     * Narrows the moment at which a snapshot was made by what it holds, and does not hold, of what
     * was submitted while it was made. What was in flight before is told by {@link #afterCrash}.
     */
    void narrow(GroupMoment moment, long[] values, int crash) {
        VolumeModel from = Objects.requireNonNull(source);
        for (int sector : changedMeanwhile(from)) {
            if (sector < values.length) {
                narrow(moment, from, sector, values[sector], crash);
            }
        }
    }

    private void narrow(GroupMoment moment, VolumeModel from, int sector, long value, int crash) {
        for (Change change : from.changesOf(sector)) {
            if (change.failed || change.submitted >= crash || !wasMeanwhile(change)) {
                continue;
            }
            if (change.version == value) {
                moment.isAfter(change.submitted, name);
            } else if (from.isOlder(sector, value, change, created)) {
                moment.isBefore(change.completed, name);
            }
        }
    }

    /** Sectors of which versions were submitted while it was made. */
    private int[] changedMeanwhile(VolumeModel from) {
        int[] known = meanwhile;
        if (known == null) {
            known =
                    IntStream.range(0, from.sectors.size())
                            .filter(i -> from.changesOf(i).stream().anyMatch(this::wasMeanwhile))
                            .toArray();
            if (created != NEVER) {
                meanwhile = known;
            }
        }
        return known;
    }

    private boolean wasMeanwhile(Change change) {
        return change.submitted > createSubmitted
                && change.submitted < created
                && change.version > 0;
    }

    /**
     * Whether a sector that holds a value, at some time before {@code end}, has not had a change.
     */
    private boolean isOlder(int sector, long value, Change change, int end) {
        for (Change other : changesOf(sector)) {
            boolean counts = other != change && other.submitted < end;
            boolean apart =
                    other.completed < change.submitted
                            || (other.version != value && other.submitted > change.completed);
            if (counts && !apart) {
                return false;
            }
        }
        return true;
    }

    private Optional<String> compare(long[] values, Moment moment, boolean torn) {
        for (int i = 0; i < values.length; i++) {
            if (!mayHold(i, values[i], moment)) {
                return Optional.of(complaint(i, values[i]));
            }
        }
        for (int block = 0; block < values.length / PER_BLOCK && !torn; block++) {
            if (!partial.get(block) && !isUniform(values, block)) {
                return Optional.of(
                        "block %d of %s is torn: versions %s"
                                .formatted(
                                        block,
                                        name,
                                        Arrays.toString(
                                                Arrays.copyOfRange(
                                                        values,
                                                        block * PER_BLOCK,
                                                        (block + 1) * PER_BLOCK))));
            }
        }
        return Optional.empty();
    }

    private static boolean isUniform(long[] values, int block) {
        for (int i = 1; i < PER_BLOCK; i++) {
            if (values[block * PER_BLOCK + i] != values[block * PER_BLOCK]) {
                return false;
            }
        }
        return true;
    }

    private boolean mayHold(int sector, long value, Moment moment) {
        if (pinned.length > sector && pinned[sector] != UNKNOWN) {
            return pinned[sector] == value;
        }
        int barrier = -1;
        int calmBefore = -1;
        List<Change> list = changesOf(sector);
        for (int i = list.size() - 1; i >= 0; i--) {
            Change change = list.get(i);
            if (change.submitted < calmBefore) {
                break;
            }
            if (!moment.begun(change) || barrier >= 0 && change.completed < barrier) {
                continue;
            }
            if (matches(change, sector, value)) {
                return true;
            }
            if (!change.discard && moment.settled(change)) {
                barrier = Math.max(barrier, change.submitted);
                calmBefore = Math.max(calmBefore, change.calm);
            }
        }
        return barrier < 0 && startsAs(sector, value);
    }

    private static boolean matches(Change change, int sector, long value) {
        return change.restored == null
                ? change.version == value
                : change.restored.holds(sector, value);
    }

    /** Whether a finished snapshot may hold something. */
    private boolean holds(int sector, long value) {
        return (long) sector * Sectors.SIZE < startCapacity
                ? mayHold(sector, value, between(NEVER, NEVER))
                : value == 0;
    }

    private boolean startsAs(int sector, long value) {
        if (source == null) {
            return value == (sector < baseline.length ? baseline[sector] : 0);
        }
        if ((long) sector * Sectors.SIZE >= startCapacity) {
            return value == 0;
        }
        return created == NEVER
                ? source.mayHold(sector, value, between(createSubmitted, created))
                : beganAs(source, sector, value);
    }

    /** Once it is made, only what is read of a snapshot rules out what was possible before. */
    private boolean beganAs(VolumeModel from, int sector, long value) {
        if (began.length == 0 || beganAt != pins.count) {
            began = new long[(int) (startCapacity / Sectors.SIZE)];
            Arrays.fill(began, UNKNOWN);
            beganAt = pins.count;
        }
        if (began[sector] == value) {
            return true;
        }
        boolean may = from.mayHold(sector, value, between(createSubmitted, created));
        if (may) {
            began[sector] = value;
        }
        return may;
    }

    private String complaint(int sector, long value) {
        var text =
                new StringBuilder(
                        "sector %d of %s holds version %s"
                                .formatted(
                                        sector,
                                        name,
                                        value == Sectors.FOREIGN
                                                ? "of something else"
                                                : Long.toString(value)));
        if (pinned.length > sector && pinned[sector] != UNKNOWN) {
            text.append("; the snapshot was read as ").append(pinned[sector]);
        }
        List<Change> list = changesOf(sector);
        for (int i = list.size() - 1, n = 0; i >= 0 && n < 8; i--, n++) {
            Change c = list.get(i);
            text.append(
                    "\n    %s %d submitted at %d, ended at %s, durable from %s"
                            .formatted(
                                    c.restored != null
                                            ? "rollback"
                                            : c.discard ? "discard" : "version",
                                    c.version,
                                    c.submitted,
                                    time(c.completed),
                                    time(c.durable)));
        }
        if (source != null) {
            text.append(
                    "\n    copied from %s at %d..%s"
                            .formatted(source.name, createSubmitted, time(created)));
        } else if (sector < baseline.length) {
            text.append("\n    found as ").append(baseline[sector]);
        }
        return text.toString();
    }

    private static String time(int time) {
        return time == NEVER ? "never" : Integer.toString(time);
    }
}
