package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.crash.CrashPoint;
import io.vireo.testkit.crash.CrashPoint.Choice;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Blocks have rotten, each on one disk of a mirror, and the power goes while the disks are made
 * equal: nothing that a disk has right is lost, whenever it goes, and however often.
 */
@Tag("endurance")
class ResyncSumsCrashTest {
    /** Chunk {@code i} of the volume is full of {@code FIRST + i}. */
    private static final int FIRST = 7;

    private static final int CHUNKS = 12;

    private final Random random = new Random(CrashBed.seed());
    private long points;
    private long images;

    @Test
    void aDiskThatComesBack() {
        try (var bed = new SummedMirrorBed()) {
            var log = new DiskLog();
            fill(bed, 0, CHUNKS / 2);
            bed.cutPower(log, false);
            bed.open();
            bed.disks.get(1).vanish();
            fill(bed, CHUNKS / 2, CHUNKS);
            rot(bed, 0, CHUNKS / 2, CHUNKS / 2 - 1);
            bed.disks.get(1).comeBack();
            crashAll(log, bed, bed::untilSettled);
        }
        report("a disk that comes back");
    }

    @Test
    void disksThatALossOfPowerLeftDifferent() {
        try (var bed = new SummedMirrorBed()) {
            var log = new DiskLog();
            fill(bed, 0, CHUNKS);
            bed.cutPower(log, false);
            rot(bed, 0, 0, 2);
            rot(bed, 1, 3, 5);
            crashAll(
                    log,
                    bed,
                    () -> {
                        bed.open();
                        bed.untilSettled();
                    });
        }
        report("disks that a loss of power left different");
    }

    /** The right copy is on any of three, and two have the same block wrong. */
    @Test
    void threeCopies() {
        try (var bed = new SummedMirrorBed()) {
            var log = new DiskLog();
            fill(bed, 3, 0, CHUNKS);
            bed.cutPower(log, false);
            rot(bed, 0, 1, 2);
            bed.rot(1, FIRST + 1, 2);
            rot(bed, 1, 4, 5);
            bed.rot(2, FIRST + 4, 3);
            crashAll(
                    log,
                    bed,
                    () -> {
                        bed.open();
                        bed.untilSettled();
                    });
        }
        report("three copies");
    }

    private void fill(SummedMirrorBed bed, int from, int end) {
        fill(bed, 2, from, end);
    }

    private static void fill(SummedMirrorBed bed, int copies, int from, int end) {
        if (bed.disks.isEmpty()) {
            bed.make(copies);
        }
        for (int i = from; i < end; i++) {
            bed.write(i, FIRST + i);
        }
        bed.flush();
    }

    /** Of each of these chunks one block rots. */
    private void rot(SummedMirrorBed bed, int disk, int from, int to) {
        for (int i = from; i <= to; i++) {
            bed.rot(disk, FIRST + i, random.nextInt(4));
        }
    }

    /** Cuts the power at each point of what happens. */
    private void crashAll(DiskLog log, SummedMirrorBed bed, Runnable happens) {
        List<DiskImage> start = bed.disks.stream().map(d -> d.contents().fork()).toList();
        bed.disks.forEach(disk -> disk.logging(true));
        happens.run();
        bed.steps(200);
        crashAll(new CrashPoint(log, start), 1);
    }

    /** {@code every}: at each so-manieth point; at all of them the power goes again later. */
    private void crashAll(CrashPoint point, int every) {
        while (true) {
            if (point.index() % every == 0 && point.isBeforeCompletion() || point.isAtEnd()) {
                points++;
                tryImage(point::prefix, every == 1);
                if (point.optionalCount() > 0) {
                    Choice choice = point.drawnTorn(random);
                    tryImage(() -> point.image(choice), every == 1);
                }
            }
            if (point.isAtEnd()) {
                return;
            }
            point.advance();
        }
    }

    private void tryImage(Supplier<List<DiskImage>> made, boolean again) {
        images++;
        try (var bed = new SummedMirrorBed()) {
            bed.open(made.get());
            assertRight(bed);
            bed.untilSettled();
            bed.steps(200);
            assertRight(bed);
            assertThat(bed.told.damaged).isEmpty();
            assertOnEach(bed);
        }
        if (again && images % 50 == 0) {
            again(made.get());
        }
    }

    /** Each disk has all that it should have. */
    private static void assertOnEach(SummedMirrorBed bed) {
        for (int disk = 0; disk < bed.disks.size(); disk++) {
            int[] blocks = bed.blocks(disk);
            for (int i = 0; i < CHUNKS; i++) {
                assertThat(blocks[FIRST + i]).as("chunk %d on disk %d", i, disk).isEqualTo(4);
            }
        }
    }

    private static void assertRight(SummedMirrorBed bed) {
        for (int i = 0; i < CHUNKS; i++) {
            bed.assertHolds(i, FIRST + i);
        }
    }

    /** The power goes in the recovery. */
    private void again(List<DiskImage> image) {
        var log = new DiskLog();
        var copies = new ArrayList<DiskImage>();
        image.forEach(each -> copies.add(each.fork()));
        try (var bed = new SummedMirrorBed()) {
            bed.open(image, log);
            bed.untilSettled();
            bed.steps(200);
            crashAll(new CrashPoint(log, copies), 5);
        }
    }

    private void report(String what) {
        System.out.printf("%s: %d crash images at %d points%n", what, images, points);
        assertThat(images).isGreaterThan(points);
        assertThat(points).isGreaterThan(15);
    }
}
