package io.vireo.systest.power;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.systest.Bed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The daemon runs in a guest whose disks lose what was not flushed, and more than that in any
 * order, when QEMU is killed: after each loss of power the daemon starts by itself with what its
 * state says, and its vDisk holds all that was flushed, nothing that was never written, and no
 * zeroes where there was data.
 */
class PowerCutIT {
    private static final int MOST_FLUSHES = 40;

    /** Cuts more at most, where each met a moment in which all was flushed. */
    private static final int MOST_MORE = 5;

    @Test
    @Tag("endurance")
    @Timeout(3600)
    void nothingFlushedIsLost() {
        int cuts = Integer.getInteger("vireo.power.cuts", 2);
        long seed = Long.getLong("vireo.seed", new Random().nextLong());
        System.out.println("power cuts: -Dvireo.seed=" + seed);
        var bed = Bed.prepare(Path.of(".."), "power");
        var resources = Path.of("src/test/resources/power.yaml");
        var software = Software.make(bed.repository(), resources, bed.run());
        var machine = new Machine(bed, software, seed);
        var random = new Random(seed);
        var heard = new ArrayList<String>();
        int undecided = 0;
        for (int cut = 0; cut < cuts || undecided == 0 && cut < cuts + MOST_MORE; cut++) {
            int flushed = machine.run(arguments(seed, heard), 1 + random.nextInt(MOST_FLUSHES));
            heard.add(Integer.toString(flushed));
            undecided += machine.undecided();
        }
        // What the last cut left is checked, too.
        machine.run(arguments(seed, heard), 1);
        assertThat(undecided).as("something was in the caches").isPositive();
    }

    private static List<String> arguments(long seed, List<String> heard) {
        var words = new ArrayList<String>();
        words.add(Long.toString(seed));
        words.addAll(heard);
        return words;
    }
}
