package io.vireo.testkit.crash;

import io.vireo.block.BlockOperation;
import io.vireo.testkit.crash.DiskLog.Event;
import io.vireo.testkit.crash.DiskLog.Io;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A moment in a {@link DiskLog}, which moves forward: what every disk surely holds if the power
 * goes then, and what it may hold besides.
 *
 * <p>Surely: writes that ended before the submission of a flush that ended, and FUA writes that
 * ended. Maybe, each by itself: other writes that ended, in the order in which they did; then what
 * was in flight, in any order. A part of each of these may be there, torn at any sector: of writes,
 * and of ranges that are zeroed or discarded. A discard may always have had no effect.
 */
public final class CrashPoint {
    /** What becomes of each operation that is not surely durable; see {@link #choices}. */
    public record Choice(String name, byte[] fates, long seed, boolean torn) {}

    static final byte LOST = 0;
    static final byte KEPT = 1;
    static final byte TORN = 2;

    private static final int BLOCK = 4096;

    /** One operation that ended and is not part of the base. */
    private static final class Pending {
        final Io io;
        boolean durable;

        Pending(Io io) {
            this.io = io;
            durable = io.durable && io.honest;
        }
    }

    private final DiskLog log;
    private final List<DiskImage> bases = new ArrayList<>();
    private final List<DiskImage> current = new ArrayList<>();
    private final List<List<Pending>> pending = new ArrayList<>();
    private final List<List<Io>> inFlight = new ArrayList<>();
    private int next;

    /** The moment before the first event. */
    public CrashPoint(DiskLog log, List<DiskImage> start) {
        this.log = log;
        for (DiskImage image : start) {
            bases.add(image.fork());
            current.add(image.fork());
            pending.add(new ArrayList<>());
            inFlight.add(new ArrayList<>());
        }
    }

    /** The time of this moment: what has an earlier one has happened. */
    public int time() {
        return next < log.size() ? log.event(next).time() : DiskLog.NEVER - 1;
    }

    /** Whether the event that comes next is the end of an operation. */
    public boolean isBeforeCompletion() {
        return next < log.size() && log.event(next).completion();
    }

    /** Whether the event that comes next is the end of a flush, or of a FUA write. */
    public boolean isBeforeBarrier() {
        if (!isBeforeCompletion()) {
            return false;
        }
        Io io = log.event(next).io();
        return io.operation == BlockOperation.FLUSH || io.durable;
    }

    /** Whether there is no other event. */
    public boolean isAtEnd() {
        return next == log.size();
    }

    /** How many events came before. */
    public int index() {
        return next;
    }

    /** Moves past the next event. */
    public void advance() {
        Event event = log.event(next++);
        Io io = event.io();
        int disk = io.disk;
        if (!event.completion()) {
            inFlight.get(disk).add(io);
            return;
        }
        inFlight.get(disk).remove(io);
        if (io.operation == BlockOperation.FLUSH) {
            if (io.honest) {
                flushed(disk, io.submitted);
            }
        } else if (io.effective > 0) {
            pending.get(disk).add(new Pending(io));
            io.apply(current.get(disk), io.effective);
        }
        fold(disk);
    }

    private void flushed(int disk, int from) {
        for (Pending p : pending.get(disk)) {
            if (p.io.completed < from) {
                p.durable = true;
            }
        }
    }

    private void fold(int disk) {
        List<Pending> list = pending.get(disk);
        int head = 0;
        while (head < list.size() && list.get(head).durable) {
            Io io = list.get(head).io;
            io.apply(bases.get(disk), io.effective);
            head++;
        }
        list.subList(0, head).clear();
    }

    /** What the disks hold if everything that ended is kept and nothing else is: a plain prefix. */
    public List<DiskImage> prefix() {
        return current.stream().map(DiskImage::fork).toList();
    }

    private List<Io> optional() {
        var list = new ArrayList<Io>();
        for (int disk = 0; disk < bases.size(); disk++) {
            for (Pending p : pending.get(disk)) {
                if (!p.durable || p.io.operation == BlockOperation.DISCARD) {
                    list.add(p.io);
                }
            }
            for (Io io : inFlight.get(disk)) {
                if (io.operation != BlockOperation.FLUSH) {
                    list.add(io);
                }
            }
        }
        return list;
    }

    /** How many operations may or may not be there. */
    public int optionalCount() {
        return optional().size();
    }

    /**
     * What may become of them: none, all, each alone, all but each, each disk alone, each torn,
     * many torn at once; and all combinations of at most {@code exhaustive} operations, else {@code
     * subsets} drawn ones in a drawn order.
     */
    List<Choice> choices(int exhaustive, int subsets, Random random) {
        List<Io> optional = optional();
        int n = optional.size();
        var choices = new ArrayList<Choice>();
        choices.add(uniform("none", n, LOST));
        if (n == 0) {
            return choices;
        }
        choices.add(uniform("all", n, KEPT));
        for (int disk = 0; disk < bases.size() && bases.size() > 1; disk++) {
            Choice cut = uniform("all but of disk " + disk, n, KEPT);
            for (int i = 0; i < n; i++) {
                cut.fates()[i] = optional.get(i).disk == disk ? LOST : KEPT;
            }
            choices.add(cut);
        }
        if (n <= exhaustive) {
            for (int mask = 1; mask < (1 << n) - 1; mask++) {
                Choice subset = uniform("subset " + mask, n, LOST);
                for (int i = 0; i < n; i++) {
                    subset.fates()[i] = (byte) (mask >> i & 1);
                }
                choices.add(subset);
            }
        } else {
            singles(choices, n, Math.max(subsets, 2));
            for (int i = 0; i < subsets; i++) {
                choices.add(drawn(n, random));
            }
        }
        for (int i = 0; i < Math.min(n, Math.max(2, subsets)); i++) {
            int at = n <= subsets ? i : random.nextInt(n);
            choices.add(tear("only, torn", n, LOST, at, random));
            choices.add(tear("with the others, torn", n, KEPT, at, random));
        }
        if (n > 1) {
            choices.add(drawnTorn(random));
        }
        return choices;
    }

    private static void singles(List<Choice> choices, int n, int most) {
        for (int i = 0; i < Math.min(n, most); i++) {
            // The youngest first: what the next barrier was for.
            int at = n - 1 - i;
            Choice only = uniform("only " + at, n, LOST);
            only.fates()[at] = KEPT;
            choices.add(only);
            Choice missing = uniform("all but " + at, n, KEPT);
            missing.fates()[at] = LOST;
            choices.add(missing);
        }
    }

    /** Moves past the last event. */
    public void advanceToEnd() {
        while (!isAtEnd()) {
            advance();
        }
    }

    /** One combination, drawn. */
    public Choice drawn(Random random) {
        return drawn(optional().size(), random);
    }

    private static Choice drawn(int n, Random random) {
        var choice = new Choice("drawn", new byte[n], random.nextLong(), false);
        int lose = random.nextInt(100);
        for (int i = 0; i < n; i++) {
            choice.fates()[i] = random.nextInt(100) < lose ? LOST : KEPT;
        }
        return choice;
    }

    /** One combination, drawn, in which about every second of those that are there is torn. */
    public Choice drawnTorn(Random random) {
        Choice drawn = drawn(random);
        for (int i = 0; i < drawn.fates().length; i++) {
            if (drawn.fates()[i] == KEPT && random.nextBoolean()) {
                drawn.fates()[i] = TORN;
            }
        }
        return new Choice("drawn, torn", drawn.fates(), drawn.seed(), true);
    }

    private static Choice uniform(String name, int n, byte fate) {
        byte[] fates = new byte[n];
        java.util.Arrays.fill(fates, fate);
        return new Choice(name, fates, 0, false);
    }

    private static Choice tear(String name, int n, byte others, int at, Random random) {
        byte[] fates = new byte[n];
        java.util.Arrays.fill(fates, others);
        fates[at] = TORN;
        return new Choice(name + " " + at, fates, random.nextLong(), true);
    }

    /** What the disks hold after a choice. */
    public List<DiskImage> image(Choice choice) {
        var random = new Random(choice.seed());
        var images = new ArrayList<DiskImage>();
        int at = 0;
        for (int disk = 0; disk < bases.size(); disk++) {
            DiskImage image = bases.get(disk).fork();
            for (Pending p : pending.get(disk)) {
                boolean free = !p.durable || p.io.operation == BlockOperation.DISCARD;
                apply(p.io, free ? choice.fates()[at++] : KEPT, image, random);
            }
            var late = new ArrayList<Io>();
            var fates = new ArrayList<Byte>();
            for (Io io : inFlight.get(disk)) {
                if (io.operation != BlockOperation.FLUSH) {
                    late.add(io);
                    fates.add(choice.fates()[at++]);
                }
            }
            var order = new ArrayList<Integer>();
            for (int i = 0; i < late.size(); i++) {
                order.add(i);
            }
            if (choice.seed() != 0) {
                Collections.shuffle(order, random);
            }
            order.forEach(i -> apply(late.get(i), fates.get(i), image, random));
            images.add(image);
        }
        return images;
    }

    private static void apply(Io io, byte fate, DiskImage image, Random random) {
        if (fate == KEPT) {
            io.apply(image, io.effective);
        } else if (fate == TORN) {
            tear(io, image, random);
        }
    }

    /** A part of what an operation changes: the first sectors, the last ones, or any. */
    private static void tear(Io io, DiskImage image, Random random) {
        int unit = Math.max(io.physicalBlock, random.nextBoolean() ? DiskLog.SECTOR : BLOCK);
        long begin = io.offset / unit;
        int units = (int) (Math.ceilDiv(io.offset + io.effective, (long) unit) - begin);
        int cut = random.nextInt(units + 1);
        int kind = random.nextInt(3);
        for (int i = 0; i < units; i++) {
            boolean kept =
                    switch (kind) {
                        case 0 -> i < cut;
                        case 1 -> i >= cut;
                        default -> random.nextBoolean();
                    };
            if (kept) {
                long from = Math.max(0, (begin + i) * unit - io.offset);
                long to = Math.min(io.effective, (begin + i + 1) * unit - io.offset);
                io.apply(image, from, to - from);
            }
        }
    }
}
