package io.vireo.device.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.TaskAttribute;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** SANITIZE and FORMAT UNIT that come to no end. */
class WipeTest {
    private static final int BLOCK = ScsiBed.BLOCK;
    private static final String TEST_UNIT_READY = "000000000000";
    private static final String READ = "28000000000000000100";
    private static final String FORMAT = "040000000000";
    private static final String FORMAT_AT_ONCE = "041000000000";
    private static final String ERASE = "48020000000000000000";
    private static final String EXIT_FAILURE_MODE = "481F0000000000000000";
    private static final String OVERWRITE = "48010000000000020400";
    private static final String OVERWRITE_AT_ONCE = "48810000000000020400";
    private static final int SANITIZE_IN_PROGRESS = 0x02041B;
    private static final int FORMAT_IN_PROGRESS = 0x020404;
    private static final int FORMAT_CORRUPTED = 0x033100;
    private static final int SANITIZE_FAILED = 0x033103;
    private static final int INTERNAL_TARGET_FAILURE = 0x044400;

    private final ScsiBed bed = new ScsiBed();
    private final ScsiClient client = bed.client(1);

    @BeforeEach
    void write() {
        byte[] data = new byte[BLOCK];
        Arrays.fill(data, (byte) 0x55);
        assertThat(client.out(0, "2A000000000000000100", data).good()).isTrue();
    }

    @AfterEach
    void close() {
        bed.disk.fate(_ -> Fate.DONE);
        bed.close();
    }

    @Test
    void aSanitizeThatWasCutOffIsSaidToHaveFailed() {
        bed.disk.fate(_ -> Fate.HELD);
        assertThat(overwrite(OVERWRITE_AT_ONCE).join().good()).isTrue();
        assertThat(client.run(0, TEST_UNIT_READY).code()).isEqualTo(SANITIZE_IN_PROGRESS);
        restart();
        says(SANITIZE_FAILED);
        assertThat(client.in(0, READ, BLOCK).code()).isEqualTo(SANITIZE_FAILED);
        assertThat(client.run(0, FORMAT).code()).isEqualTo(SANITIZE_FAILED);
        restart();
        says(SANITIZE_FAILED);
        assertThat(client.run(0, ERASE).good()).isTrue();
        assertThat(client.in(0, READ, BLOCK).data()).containsOnly(0);
        restart();
        says(0);
    }

    @Test
    void anInitiatorMakesDoWithWhatASanitizeHasLeft() {
        bed.disk.fate(_ -> Fate.HELD);
        overwrite(OVERWRITE_AT_ONCE).join();
        restart();
        says(SANITIZE_FAILED);
        bed.wipes.fails = true;
        assertThat(client.run(0, EXIT_FAILURE_MODE).code()).isEqualTo(INTERNAL_TARGET_FAILURE);
        says(SANITIZE_FAILED);
        bed.wipes.fails = false;
        assertThat(client.run(0, EXIT_FAILURE_MODE).good()).isTrue();
        says(0);
        restart();
        says(0);
    }

    @Test
    void aFormatThatWasCutOffIsToBeDoneAgain() {
        bed.disk.fate(_ -> Fate.HELD);
        assertThat(client.out(0, FORMAT_AT_ONCE, new byte[] {0, 2, 0, 0}).good()).isTrue();
        assertThat(client.run(0, TEST_UNIT_READY).code()).isEqualTo(FORMAT_IN_PROGRESS);
        restart();
        says(FORMAT_CORRUPTED);
        assertThat(client.in(0, READ, BLOCK).code()).isEqualTo(FORMAT_CORRUPTED);
        assertThat(client.run(0, FORMAT).good()).isTrue();
        assertThat(client.in(0, READ, BLOCK).data()).containsOnly(0);
        restart();
        says(0);
    }

    @Test
    void nothingIsWrittenBeforeItIsDurableThatItWillBe() {
        bed.wipes.fails = true;
        assertThat(overwrite(OVERWRITE).join().code()).isEqualTo(INTERNAL_TARGET_FAILURE);
        assertThat(client.in(0, READ, BLOCK).data()).containsOnly(0x55);
        bed.wipes.fails = false;
        assertThat(overwrite(OVERWRITE).join().good()).isTrue();
        assertThat(client.in(0, READ, BLOCK).data()).containsOnly(0xAA);
        assertThat(bed.wipes.kept).isEmpty();
    }

    /** What is written later would be taken for what was to be wiped. */
    @Test
    void theUnitIsReadyWhenItIsDurableThatAllIsWiped() {
        bed.disk.fate(_ -> Fate.HELD);
        CompletableFuture<Result> ended = overwrite(OVERWRITE);
        Eventually.until("it has begun", () -> bed.wipes.kept.isPresent());
        bed.wipes.fails = true;
        bed.disk.fate(_ -> Fate.DONE);
        Eventually.until(
                "it has ended",
                () -> {
                    bed.disk.release();
                    return ended.isDone();
                });
        assertThat(ended.join().code()).isEqualTo(INTERNAL_TARGET_FAILURE);
        says(SANITIZE_FAILED);
        bed.wipes.fails = false;
        restart();
        says(SANITIZE_FAILED);
    }

    private CompletableFuture<Result> overwrite(String cdb) {
        byte[] list = new byte[4 + BLOCK];
        list[0] = 1;
        Bytes.put16(list, 2, BLOCK);
        Arrays.fill(list, 4, list.length, (byte) 0xAA);
        return client.start(0, 77, TaskAttribute.SIMPLE, ScsiClient.bytes(cdb), list, 0);
    }

    /** Its unit attentions come first. */
    private void says(int code) {
        Eventually.until(
                "the unit says %06x".formatted(code),
                () -> {
                    Result result = client.run(0, TEST_UNIT_READY);
                    return code == 0 ? result.good() : result.code() == code;
                });
    }

    /** The unit is closed in the middle of what it does, and another one is made of its disk. */
    private void restart() {
        LogicalUnit before = bed.unit;
        bed.unit = bed.unit("disk1", bed.disk, bed.store);
        ScsiBed.map(bed.target, new UnitTarget.Mapping(0, bed.unit, false));
        var closed = new CompletableFuture<Boolean>();
        before.close(() -> closed.complete(true));
        var closing = new CompletableFuture<Boolean>();
        bed.owner.execute(() -> closing.complete(true));
        BlockClient.await(closing);
        bed.disk.fate(_ -> Fate.DONE);
        bed.disk.release();
        BlockClient.await(closed);
    }
}
