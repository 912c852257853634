package io.vireo.device.virtio.blk;

import static io.vireo.device.virtio.blk.BlkBed.segment;
import static io.vireo.device.virtio.blk.BlkBed.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Requests that break the rules get the protocol's answer and nobody else notices. */
@Tag("endurance")
class HostileBlkTest {
    private static final int CAPACITY = 1 << 20;
    private static final long SECTORS = CAPACITY / 512;
    private static final byte[] NONE = {};

    private final MemoryBlockDevice block = new MemoryBlockDevice(CAPACITY, 512);
    private final List<BlkBed> beds = new ArrayList<>();

    private BlkBed bed(boolean readOnly) {
        var bed = new BlkBed(block, readOnly, 1, BlkBed.FEATURES);
        beds.add(bed);
        return bed;
    }

    @AfterEach
    void stillServes() {
        for (BlkBed bed : beds) {
            if (bed.failures.isEmpty()) {
                bed.read(0, 512);
            }
            bed.close();
        }
    }

    private void assertNothingSubmitted() {
        assertThat(block.log()).isEmpty();
    }

    @Test
    void rangesThatAreNotOnTheDisk() {
        BlkBed bed = bed(false);
        long in = bed.take(4096);
        long[] sectors = {
            SECTORS, SECTORS - 1, SECTORS + 1, 1L << 54, 1L << 55, Long.MAX_VALUE, -1, -8, 1L << 63
        };
        for (long sector : sectors) {
            assertThat(bed.write(sector, new byte[1024])).isEqualTo(BlkProtocol.S_IOERR);
            assertThat(bed.request(BlkProtocol.T_IN, sector, NONE, in, 1024))
                    .isEqualTo(BlkProtocol.S_IOERR);
        }
        assertNothingSubmitted();
        assertThat(bed.write(SECTORS - 1, new byte[512])).isEqualTo(BlkProtocol.S_OK);
    }

    @Test
    void lengthsThatAreNotWholeSectors() {
        BlkBed bed = bed(false);
        long in = bed.take(4096);
        for (int length : new int[] {1, 511, 513, 1000}) {
            assertThat(bed.write(0, new byte[length])).isEqualTo(BlkProtocol.S_IOERR);
            assertThat(bed.request(BlkProtocol.T_IN, 0, NONE, in, length))
                    .isEqualTo(BlkProtocol.S_IOERR);
        }
        assertNothingSubmitted();
    }

    @Test
    void sectorsThatAreNotWholeBlocks() {
        try (var coarse = new MemoryBlockDevice(CAPACITY, 4096);
                var bed = new BlkBed(coarse)) {
            assertThat(bed.write(1, new byte[4096])).isEqualTo(BlkProtocol.S_IOERR);
            assertThat(bed.write(0, new byte[512])).isEqualTo(BlkProtocol.S_IOERR);
            assertThat(bed.request(BlkProtocol.T_DISCARD, 0, segment(0, 1, 0), 0, 0))
                    .isEqualTo(BlkProtocol.S_IOERR);
            assertThat(coarse.log()).isEmpty();
            assertThat(bed.write(8, new byte[4096])).isEqualTo(BlkProtocol.S_OK);
        }
    }

    @Test
    void typesThatAreUnknown() {
        BlkBed bed = bed(false);
        for (int type : new int[] {2, 3, 5, 6, 7, 9, 10, 12, 14, 15, 16, 18, 20, 22, 24, 26, -1}) {
            assertThat(bed.request(type, 0, new byte[512], 0, 0)).isEqualTo(BlkProtocol.S_UNSUPP);
        }
        assertNothingSubmitted();
    }

    @Test
    void headersThatAreTooShort() {
        BlkBed bed = bed(false);
        long header = bed.header(BlkProtocol.T_OUT, 0);
        for (int length = 1; length < 16; length++) {
            assertThat(bed.answer(bed.chain().out(header, length))).isEqualTo(BlkProtocol.S_IOERR);
        }
        assertThat(bed.answer(bed.chain())).isEqualTo(BlkProtocol.S_IOERR);
        assertNothingSubmitted();
    }

    @Test
    void segmentsThatAreNot() {
        BlkBed bed = bed(false);
        for (int type : new int[] {BlkProtocol.T_DISCARD, BlkProtocol.T_WRITE_ZEROES}) {
            byte[][] wrong = {
                NONE,
                new byte[15],
                new byte[17],
                Arrays.copyOf(segment(0, 1, 0), 16 * 17),
                segment(SECTORS, 1, 0),
                segment(SECTORS - 1, 2, 0),
                segment(-1, 2, 0),
                segment(0, -1, 0),
                segment(0, Integer.MAX_VALUE, 0),
                segments(segment(0, 1, 0), segment(SECTORS - 1, 2, 0))
            };
            for (byte[] data : wrong) {
                assertThat(bed.request(type, 0, data, 0, 0))
                        .as("%d: %s", type, Arrays.toString(data))
                        .isEqualTo(BlkProtocol.S_IOERR);
            }
            assertThat(bed.request(type, 0, segment(0, 1, 2), 0, 0))
                    .isEqualTo(BlkProtocol.S_UNSUPP);
            assertThat(bed.request(type, 0, segment(0, 1, 0x8000_0000), 0, 0))
                    .isEqualTo(BlkProtocol.S_UNSUPP);
        }
        assertThat(bed.request(BlkProtocol.T_DISCARD, 0, segment(0, 1, 1), 0, 0))
                .isEqualTo(BlkProtocol.S_UNSUPP);
        assertNothingSubmitted();
    }

    @Test
    void serialsThatDoNotFit() {
        BlkBed bed = bed(false);
        long in = bed.take(64);
        for (int length = 0; length < 20; length++) {
            assertThat(bed.request(BlkProtocol.T_GET_ID, 0, NONE, in, length))
                    .isEqualTo(BlkProtocol.S_IOERR);
        }
        assertThat(bed.get(in, 20)).isEqualTo(new byte[20]);
        assertThat(bed.request(BlkProtocol.T_GET_ID, 0, NONE, in, 40)).isEqualTo(BlkProtocol.S_OK);
        assertThat(bed.get(in + 20, 20)).isEqualTo(new byte[20]);
    }

    @Test
    void dataWhereNoneBelongs() {
        BlkBed bed = bed(false);
        long in = bed.take(512);
        assertThat(bed.request(BlkProtocol.T_FLUSH, -1, new byte[700], in, 77))
                .isEqualTo(BlkProtocol.S_OK);
        assertThat(bed.request(BlkProtocol.T_OUT, 0, new byte[512], in, 512))
                .isEqualTo(BlkProtocol.S_OK);
        assertThat(bed.request(BlkProtocol.T_IN, 0, new byte[100], in, 512))
                .isEqualTo(BlkProtocol.S_OK);
    }

    @Test
    void writesToWhatIsReadOnly() {
        BlkBed bed = bed(true);
        assertThat(bed.write(0, new byte[512])).isEqualTo(BlkProtocol.S_IOERR);
        assertThat(bed.request(BlkProtocol.T_DISCARD, 0, segment(0, 1, 0), 0, 0))
                .isEqualTo(BlkProtocol.S_IOERR);
        assertThat(bed.request(BlkProtocol.T_WRITE_ZEROES, 0, segment(0, 1, 0), 0, 0))
                .isEqualTo(BlkProtocol.S_IOERR);
        assertNothingSubmitted();
    }

    @Test
    void noRoomForTheStatusBreaksTheQueue() {
        BlkBed bed = bed(false);
        long header = bed.header(BlkProtocol.T_FLUSH, 0);
        bed.chain().out(header, 16).submit(0);
        Eventually.until("the queue has failed", () -> !bed.failures.isEmpty());
        assertThat(bed.failures).containsExactly("a request has no room for its status");
        BlockClient.await(bed.stop(0));
    }

    @Test
    void randomRequestsWithOneRuleBroken() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("vireo.seed=" + seed);
        Random random = new Random(seed);
        BlkBed bed = bed(false);
        int[] types = {0, 1, 4, 8, 11, 13, 13, 99};
        for (int i = 0; i < 3000; i++) {
            bed.forget();
            int type = types[random.nextInt(types.length)];
            long sector =
                    switch (random.nextInt(4)) {
                        case 0 -> random.nextLong();
                        case 1 -> SECTORS - random.nextInt(3);
                        default -> random.nextInt((int) SECTORS);
                    };
            byte[] out = new byte[random.nextInt(3) == 0 ? random.nextInt(2000) : 512];
            if (type >= 11 && random.nextBoolean()) {
                out =
                        segments(
                                segment(sector, random.nextInt(8), random.nextInt(3)),
                                segment(0, random.nextInt(4), 0));
            }
            long header = bed.header(type, sector);
            long data = bed.take(out.length);
            bed.put(data, out);
            int inLength = random.nextInt(3) == 0 ? random.nextInt(1500) : 512;
            long in = bed.take(inLength);
            var chain = bed.chain().outPieces(header, 16, 1 + random.nextInt(16));
            chain.outPieces(data, out.length, 1 + random.nextInt(1000) + out.length / 8);
            chain.inPieces(in, inLength, 1 + random.nextInt(1000) + inLength / 8);
            assertThat(bed.answer(random.nextBoolean() ? chain.indirect() : chain))
                    .isIn(BlkProtocol.S_OK, BlkProtocol.S_IOERR, BlkProtocol.S_UNSUPP);
        }
        assertThat(bed.failures).isEmpty();
    }
}
