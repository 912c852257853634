package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.memory.OwnMemory;
import io.vireo.testkit.crash.CrashPoint;
import io.vireo.testkit.crash.CrashPoint.Choice;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Blocks have rotten on a mirror that is drained, and the power goes meanwhile: whenever it goes,
 * what one disk had right is right, what none had is an error, and the drain can be done again.
 */
@Tag("endurance")
class DrainSumsCrashTest {
    /** Chunk {@code i} of the volume is full of {@code FIRST + i}. */
    private static final int FIRST = 7;

    private static final int CHUNKS = 10;

    /** Of this chunk no disk has the first block right. */
    private static final int LOST = 4;

    private final Random random = new Random(CrashBed.seed());
    private final DiskLog log = new DiskLog();
    private long points;
    private long images;

    @Test
    void aMirrorThatIsDrained() {
        explore(2);
        System.out.printf("a mirror: %d crash images at %d points%n", images, points);
    }

    @Test
    void aDiskThatIsDrained() {
        explore(1);
        System.out.printf("a disk: %d crash images at %d points%n", images, points);
    }

    private void explore(int copies) {
        try (var bed = new SummedMirrorBed()) {
            bed.make(copies, 2);
            for (int i = 0; i < CHUNKS; i++) {
                bed.write(i, FIRST + i);
            }
            bed.flush();
            bed.pool().checkpoint();
            bed.cutPower(log, false);
            bed.open();
            if (copies > 1) {
                bed.untilSettled();
            }
            for (int i = 0; i < CHUNKS && copies > 1; i++) {
                bed.rot(i / 2 % 2, FIRST + i, i % 3 + 1);
            }
            for (int i = 0; i < copies; i++) {
                bed.rot(i, FIRST + LOST, 0);
            }
            bed.flush();
            List<DiskImage> start = bed.disks.stream().map(d -> d.contents().fork()).toList();
            bed.disks.forEach(disk -> disk.logging(true));
            bed.pool().drain(bed.disks.getFirst(), 0);
            bed.untilDrained();
            bed.steps(200);
            crashAll(new CrashPoint(log, start), copies);
        }
        assertThat(images).isGreaterThan(points);
        assertThat(points).isGreaterThan(15);
    }

    private void crashAll(CrashPoint point, int copies) {
        while (true) {
            if (point.isBeforeCompletion() || point.isAtEnd()) {
                points++;
                tryImage(point::prefix, copies);
                if (point.optionalCount() > 0) {
                    Choice choice = point.drawnTorn(random);
                    tryImage(() -> point.image(choice), copies);
                }
            }
            if (point.isAtEnd()) {
                return;
            }
            point.advance();
        }
    }

    private void tryImage(Supplier<List<DiskImage>> made, int copies) {
        images++;
        List<DiskImage> disks = made.get();
        boolean left = disks.subList(0, copies).stream().anyMatch(disk -> !isMember(disk, copies));
        try (var bed = new SummedMirrorBed()) {
            bed.open(left ? disks.subList(copies, 2 * copies) : disks);
            assertRight(bed);
            if (!left && bed.disks.stream().allMatch(bed.pool()::uses)) {
                bed.pool().drain(bed.disks.getFirst(), 0);
                bed.untilDrained();
                assertRight(bed);
            }
            assertThat(bed.told.damaged).containsOnly("a " + LOST * SummedMirrorBed.CHUNK);
            for (int disk = bed.disks.size() - copies; disk < bed.disks.size(); disk++) {
                int[] blocks = bed.blocks(disk);
                for (int i = 0; i < CHUNKS; i++) {
                    assertThat(blocks[FIRST + i])
                            .as("chunk %d on disk %d", i, disk)
                            .isGreaterThanOrEqualTo(i == LOST ? 3 : 4);
                }
            }
        }
    }

    /** Whether a disk was not wiped: one that has left need not be named any more. */
    private static boolean isMember(DiskImage disk, int copies) {
        try (OwnMemory block = OwnMemory.allocate(PoolFormat.BLOCK)) {
            for (long place : PoolFormat.SUPERBLOCKS) {
                long at = copies > 1 ? MirrorHeader.DATA + place : place;
                block.put(0, disk.read(at, PoolFormat.BLOCK));
                try {
                    Superblock.decode(block);
                    return true;
                } catch (FormatException e) {
                    // The other place may have one.
                }
            }
        }
        return false;
    }

    private static void assertRight(SummedMirrorBed bed) {
        for (int i = 0; i < CHUNKS; i++) {
            for (int block = 0; block < 4; block++) {
                long at = (long) i * SummedMirrorBed.CHUNK + (long) block * SummedMirrorBed.BLOCK;
                int fill = FIRST + i;
                var found = bed.read(at, SummedMirrorBed.BLOCK);
                assertThat(found.isEmpty())
                        .as("block %d of chunk %d", block, i)
                        .isEqualTo(i == LOST && block == 0);
                found.ifPresent(bytes -> assertThat(bytes).containsOnly(fill));
            }
        }
    }
}
