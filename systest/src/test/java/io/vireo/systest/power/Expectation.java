package io.vireo.systest.power;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What each block of a disk may hold after losses of power: what the last write to it was that a
 * flush covered, or what was written since.
 */
final class Expectation {
    /** Rounds that may have begun when the end of a flush is the last that was heard. */
    private static final int UNHEARD = 3;

    private final List<Set<Long>> allowed = new ArrayList<>();

    /** A disk of zeroes. */
    Expectation() {
        for (int block = 0; block < Writes.BLOCKS; block++) {
            allowed.add(new HashSet<>(Set.of(Writes.ZEROES)));
        }
    }

    /** A run that was cut off: at least {@code flushed} rounds had ended. */
    void cut(Writes run, int flushed) {
        for (int round = 0; round < flushed + UNHEARD; round++) {
            for (var write : run.round(round)) {
                if (round < flushed) {
                    allowed.get(write.block()).clear();
                }
                allowed.get(write.block()).add(write.tag());
            }
        }
    }

    /** What is wrong with the data of a block, if anything is. */
    Optional<String> check(int block, byte[] data) {
        for (int index = 0; index < Writes.BLOCK / Writes.SECTOR; index++) {
            var found = new byte[Writes.SECTOR];
            System.arraycopy(data, index * Writes.SECTOR, found, 0, Writes.SECTOR);
            int sector = index;
            if (allowed.get(block).stream()
                    .noneMatch(tag ->
                            java.util.Arrays.equals(found, Writes.sector(block, sector, tag)))) {
                return Optional.of(
                        "block %d, sector %d holds %x; allowed: %s"
                                .formatted(
                                        block,
                                        index,
                                        java.nio.ByteBuffer.wrap(found).getLong(),
                                        allowed.get(block).stream()
                                                .map(Long::toHexString)
                                                .toList()));
            }
        }
        return Optional.empty();
    }
}
