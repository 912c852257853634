package io.vireo.device.virtio.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.MemoryBlockDevice.Fate;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Task management, resets and LUNs that go while requests are carried out; {@code -Dvireo.seed}
 * replays a run.
 */
class FunctionsUnderLoadTest {
    private static final String LUN_0 = "0100000000000000";
    private static final String READ = "28000000000000000200";
    private static final String WRITE = "2A000000000800000200";
    private static final String NO_TAG = "0000000000000000";
    private static final String ABORT_TASK_SET = "00000000 01000000 " + LUN_0 + NO_TAG;
    private static final String CLEAR_TASK_SET = "00000000 03000000 " + LUN_0 + NO_TAG;
    private static final String I_T_NEXUS_RESET = "00000000 04000000 " + LUN_0 + NO_TAG;
    private static final String LOGICAL_UNIT_RESET = "00000000 05000000 " + LUN_0 + NO_TAG;
    private static final List<String> FUNCTIONS =
            List.of(ABORT_TASK_SET, CLEAR_TASK_SET, I_T_NEXUS_RESET, LOGICAL_UNIT_RESET);
    private static final int BYTES = 1024;
    private static final int REQUESTS = 6;
    private static final int ROUNDS = 100;

    private final ScsiDriver driver = new ScsiDriver();

    @AfterEach
    void close() {
        driver.disk.fate(_ -> Fate.DONE);
        driver.close();
    }

    /** Each request is answered once, whatever comes between. */
    @Test
    void eachRequestIsAnsweredOnce() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("FunctionsUnderLoadTest seed " + seed);
        var random = new Random(seed);
        driver.ready();
        for (int round = 0; round < ROUNDS; round++) {
            boolean held = random.nextInt(4) > 0;
            driver.disk.fate(_ -> held ? Fate.HELD : Fate.DONE);
            List<Long> answers = new ArrayList<>();
            for (int i = 0; i < REQUESTS; i++) {
                answers.add(start(random));
                if (random.nextInt(3) == 0) {
                    disturb(random);
                }
            }
            driver.disk.fate(_ -> Fate.DONE);
            driver.disk.release();
            for (int i = 0; i < REQUESTS; i++) {
                driver.used(ScsiDriver.REQUEST);
            }
            for (long answer : answers) {
                check(driver.answer(answer, 0));
            }
            assertThat(driver.poll(ScsiDriver.REQUEST)).isFalse();
            assertThat(driver.failures).isEmpty();
        }
        driver.hba.map(List.of(driver.lun(0)));
        driver.ready();
        assertThat(driver.run(READ, ScsiDriver.NOTHING, BYTES).status()).isZero();
    }

    private long start(Random random) {
        return random.nextBoolean()
                ? driver.start(LUN_0, READ, ScsiDriver.NOTHING, BYTES, 4096)
                : driver.start(LUN_0, WRITE, new byte[BYTES], 0, 4096);
    }

    private void disturb(Random random) {
        switch (random.nextInt(4)) {
            case 0 -> driver.hba.map(List.of());
            case 1 -> driver.hba.map(List.of(driver.lun(0)));
            default -> {
                String function = FUNCTIONS.get(random.nextInt(FUNCTIONS.size()));
                // Complete, or there is no such unit now.
                assertThat(driver.control(function, 1)[0]).isIn((byte) 0, (byte) 12);
            }
        }
    }

    private static void check(ScsiDriver.Answer answer) {
        assertThat(answer.response())
                .isIn(
                        (int) ScsiProtocol.S_OK,
                        (int) ScsiProtocol.S_ABORTED,
                        (int) ScsiProtocol.S_RESET);
        if (answer.response() == ScsiProtocol.S_OK && answer.status() != 0) {
            // Unit attentions, and what is told where no unit is.
            assertThat(answer.code())
                    .satisfiesAnyOf(
                            code -> assertThat(code >> 16).isEqualTo(6),
                            code -> assertThat(code).isEqualTo(0x052500));
        }
    }
}
