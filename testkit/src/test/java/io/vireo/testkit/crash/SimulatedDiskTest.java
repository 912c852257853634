package io.vireo.testkit.crash;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.crash.CrashPoint.Choice;
import io.vireo.testkit.crash.VolumeClient.Rig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a disk may hold after its power was cut, and what can go wrong with it. */
class SimulatedDiskTest {
    private static final int BLOCK = 4096;

    private final Rig rig = new Rig();
    private final DiskLog log = new DiskLog();
    private final DiskImage empty = new DiskImage(1 << 20);
    private final SimulatedDisk disk = new SimulatedDisk(0, empty.fork(), log, 1, true);
    private final VolumeClient client = new VolumeClient(rig, disk);

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void disksDifferWhereOneWasChanged() {
        DiskImage other = empty.fork();
        assertThat(empty.mismatch(other, 0)).isEqualTo(-1);
        other.write(3 * BLOCK + 17, new byte[] {1}, 0, 1);
        assertThat(empty.mismatch(other, 0)).isEqualTo(3 * BLOCK + 17);
        assertThat(other.mismatch(empty, 3 * BLOCK)).isEqualTo(3 * BLOCK + 17);
        assertThat(empty.mismatch(other, 4 * BLOCK)).isEqualTo(-1);
        empty.write(3 * BLOCK + 17, new byte[] {1}, 0, 1);
        assertThat(empty.mismatch(other, 0)).as("other pages, the same bytes").isEqualTo(-1);
    }

    private BlockStatus run(
            BlockOperation operation, int block, int blocks, int fill, boolean fua) {
        var ended = new ArrayList<BlockStatus>();
        client.start(
                operation,
                (long) block * BLOCK,
                blocks * BLOCK,
                fua,
                address -> ForeignMemory.fill(address, (long) blocks * BLOCK, (byte) fill),
                (status, _) -> ended.add(status));
        client.settle();
        return ended.getFirst();
    }

    private BlockStatus write(int block, int fill) {
        return run(BlockOperation.WRITE, block, 1, fill, false);
    }

    private BlockStatus flush() {
        return run(BlockOperation.FLUSH, 0, 0, 0, false);
    }

    private int read(int block) {
        var seen = new ArrayList<Integer>();
        client.start(
                BlockOperation.READ,
                (long) block * BLOCK,
                BLOCK,
                false,
                _ -> {},
                (_, address) -> seen.add((int) ForeignMemory.getByte(address)));
        client.settle();
        return seen.getFirst();
    }

    /** What the first blocks may hold at the end, as text. */
    private Set<String> outcomes(int blocks) {
        var point = new CrashPoint(log, List.of(empty));
        while (!point.isAtEnd()) {
            point.advance();
        }
        var seen = new HashSet<String>();
        for (Choice choice : point.choices(10, 0, new Random(1))) {
            if (!choice.torn()) {
                seen.add(text(point.image(choice).getFirst(), blocks));
            }
        }
        return seen;
    }

    private static String text(DiskImage image, int blocks) {
        var text = new StringBuilder();
        for (int i = 0; i < blocks; i++) {
            text.append(image.read((long) i * BLOCK, 1)[0]);
        }
        return text.toString();
    }

    @Test
    void whatWasNotFlushedMayBeThereInAnyCombination() {
        write(0, 1);
        write(1, 1);
        assertThat(read(0)).isEqualTo(1);
        assertThat(outcomes(2)).containsExactlyInAnyOrder("00", "01", "10", "11");
    }

    /** Sectors of two blocks that are written, and of two that are zeroed, torn independently. */
    @Test
    void aPartMayBeThereOfWritesAndOfZeroesAndOfManyAtOnce() {
        run(BlockOperation.WRITE, 2, 2, 1, true);
        run(BlockOperation.WRITE, 0, 2, 1, false);
        run(BlockOperation.WRITE_ZEROES, 2, 2, 0, false);
        var point = new CrashPoint(log, List.of(empty));
        point.advanceToEnd();
        var random = new Random(1);
        boolean written = false;
        boolean zeroed = false;
        boolean both = false;
        for (int i = 0; i < 200; i++) {
            DiskImage image = point.image(point.drawnTorn(random)).getFirst();
            boolean partWritten = isMixed(image, 0);
            boolean partZeroed = isMixed(image, 2);
            written |= partWritten && !partZeroed;
            zeroed |= partZeroed && !partWritten;
            both |= partWritten && partZeroed;
        }
        assertThat(written && zeroed && both).isTrue();
    }

    /** Whether some sectors of two blocks are zeroes and others ones; none is anything else. */
    private static boolean isMixed(DiskImage image, int block) {
        int ones = 0;
        for (int at = 0; at < 2 * BLOCK; at += 512) {
            byte[] sector = image.read((long) block * BLOCK + at, 512);
            byte[] expected = new byte[512];
            Arrays.fill(expected, sector[0]);
            assertThat(sector).isEqualTo(expected);
            assertThat((int) sector[0]).isBetween(0, 1);
            ones += sector[0];
        }
        return ones > 0 && ones < 2 * BLOCK / 512;
    }

    @Test
    void whatWasFlushedIsThereAndSoIsAForcedWrite() {
        write(0, 1);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        write(0, 2);
        run(BlockOperation.WRITE, 1, 1, 1, true);
        assertThat(outcomes(2)).containsExactlyInAnyOrder("11", "21");
    }

    @Test
    void aFlushDoesNotCoverWhatEndedAfterItsSubmission() {
        client.start(BlockOperation.FLUSH, 0, 0, false, _ -> {}, (_, _) -> {});
        write(0, 1);
        assertThat(outcomes(1)).containsExactlyInAnyOrder("0", "1");
    }

    @Test
    void aDiscardMayHaveHadNoEffectEvenAfterAFlush() {
        write(0, 1);
        flush();
        run(BlockOperation.DISCARD, 0, 1, 0, false);
        assertThat(outcomes(1)).containsExactlyInAnyOrder("0", "1");
    }

    @Test
    void everyPrefixIsAnImage() {
        write(0, 1);
        write(0, 2);
        write(1, 3);
        var point = new CrashPoint(log, List.of(empty));
        var seen = new ArrayList<String>();
        while (true) {
            if (point.isBeforeCompletion() || point.isAtEnd()) {
                seen.add(text(point.prefix().getFirst(), 2));
            }
            if (point.isAtEnd()) {
                break;
            }
            point.advance();
        }
        assertThat(seen).containsExactly("00", "10", "20", "23");
    }

    @Test
    void aTornWriteHoldsOldAndNewSectors() {
        run(BlockOperation.WRITE, 0, 2, 1, false);
        flush();
        client.start(
                BlockOperation.WRITE,
                0,
                2 * BLOCK,
                false,
                address -> ForeignMemory.fill(address, 2 * BLOCK, (byte) 2),
                (_, _) -> {});
        client.settle();
        var point = new CrashPoint(log, List.of(empty));
        while (!point.isAtEnd()) {
            point.advance();
        }
        var random = new Random(5);
        int mixed = 0;
        for (int i = 0; i < 100; i++) {
            for (Choice choice : point.choices(10, 0, random)) {
                byte[] bytes = point.image(choice).getFirst().read(0, 2 * BLOCK);
                for (int at = 0; at < bytes.length; at++) {
                    assertThat(bytes[at]).isBetween((byte) 1, (byte) 2);
                    assertThat(bytes[at]).isEqualTo(bytes[at / 512 * 512]);
                }
                boolean old = bytes[0] == bytes[bytes.length - 1] && bytes[0] == 1;
                mixed += choice.torn() && !old ? 1 : 0;
            }
        }
        assertThat(mixed).isPositive();
    }

    @Test
    void requestsEndLateAndOutOfOrderAsTheSeedSays() {
        assertThat(order(3)).isEqualTo(order(3)).isNotEqualTo(order(4));
        assertThat(order(3)).isNotEqualTo(List.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    }

    private List<Integer> order(long seed) {
        var wild =
                new VolumeClient(
                        rig, new SimulatedDisk(0, empty.fork(), new DiskLog(), seed, false));
        var order = new ArrayList<Integer>();
        for (int i = 0; i < 10; i++) {
            int number = i;
            wild.start(
                    BlockOperation.WRITE,
                    (long) i * BLOCK,
                    BLOCK,
                    false,
                    _ -> {},
                    (_, _) -> order.add(number));
        }
        wild.settle();
        return order;
    }

    @Test
    void faultsDoWhatTheySay() {
        write(0, 1);
        disk.markStale();
        write(0, 2);
        disk.faults(_ -> new DiskFault.Stale());
        assertThat(read(0)).isEqualTo(1);
        disk.faults(_ -> new DiskFault.BitFlip(0));
        assertThat(read(0)).isEqualTo(3);
        disk.faults(_ -> new DiskFault.Misdirected(BLOCK));
        assertThat(write(0, 7)).isEqualTo(BlockStatus.OK);
        disk.faults(_ -> DiskFault.eio());
        assertThat(write(0, 9)).isEqualTo(BlockStatus.IO_ERROR);
        disk.faults(_ -> new DiskFault.Torn(512));
        assertThat(write(2, 5)).isEqualTo(BlockStatus.OK);
        disk.faults(_ -> DiskFault.NONE);
        assertThat(read(0)).isEqualTo(2);
        assertThat(read(1)).isEqualTo(7);
        byte[] torn = disk.contents().read(2 * BLOCK, 1024);
        assertThat(Arrays.copyOf(torn, 512)).containsOnly(5);
        assertThat(Arrays.copyOfRange(torn, 512, 1024)).containsOnly(0);
    }

    @Test
    void aFlushThatLiesOrFailsMakesNothingDurable() {
        write(0, 1);
        disk.faults(_ -> new DiskFault.Lies());
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        disk.faults(_ -> DiskFault.eio());
        assertThat(flush()).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(outcomes(1)).containsExactlyInAnyOrder("0", "1");
    }

    @Test
    void aDiskThatVanishedFailsEverythingAndKeepsItsBytes() {
        write(0, 1);
        disk.vanish();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.IO_ERROR);
        disk.comeBack();
        assertThat(read(0)).isEqualTo(1);
    }

    @Test
    void aStalledRequestEndsWhenItIsReleased() {
        disk.faults(_ -> new DiskFault.Stalls());
        var ended = new ArrayList<BlockStatus>();
        client.start(BlockOperation.FLUSH, 0, 0, false, _ -> {}, (s, _) -> ended.add(s));
        assertThat(rig.reactor.step()).isZero();
        assertThat(ended).isEmpty();
        disk.release();
        client.settle();
        assertThat(ended).containsExactly(BlockStatus.OK);
    }
}
