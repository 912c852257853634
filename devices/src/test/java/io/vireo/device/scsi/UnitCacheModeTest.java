package io.vireo.device.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.MemoryBlockDevice.Entry;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A unit whose disk writes through, or begins to (SBC-3, 6.5.5). */
class UnitCacheModeTest {
    private static final String OTHERS = "00".repeat(17);
    private static final String WCE = "081204" + OTHERS;
    private static final String NO_WCE = "081200" + OTHERS;
    private static final int MODE_PARAMETERS_CHANGED = 0x062A01;
    private static final int INVALID_FIELD_IN_PARAMETER_LIST = 0x052600;

    private final ScsiBed bed = new ScsiBed();

    @AfterEach
    void close() {
        bed.close();
        assertThat(bed.disk.cacheModeListeners()).isZero();
    }

    /** The caching page: current, changeable and default values. */
    private static List<String> pages(ScsiClient client) {
        return List.of(page(client, "08"), page(client, "48"), page(client, "88"));
    }

    private static String page(ScsiClient client, String code) {
        return client.in(0, "1A08" + code + "00FF00", 255).hex().substring(8);
    }

    private static int select(ScsiClient client, String page) {
        var result = client.out(0, "151000001800", ScsiClient.bytes("00000000" + page));
        return result.good() ? 0 : result.code();
    }

    private List<Boolean> durable() {
        return durable(BlockOperation.WRITE);
    }

    private List<Boolean> durable(BlockOperation operation) {
        return bed.disk.log().stream()
                .filter(entry -> !entry.completion() && entry.operation() == operation)
                .map(Entry::durable)
                .toList();
    }

    private static void write(ScsiClient client) {
        byte[] data = new byte[ScsiBed.BLOCK];
        assertThat(client.out(0, "2A000000000000000100", data).good()).isTrue();
    }

    @Test
    void allAreToldThatThereIsNoCacheAnyMore() {
        ScsiClient one = bed.client(1);
        ScsiClient two = bed.client(2, bed.other);
        write(one);
        bed.disk.writeThrough(true);
        for (ScsiClient client : List.of(one, two)) {
            assertThat(client.run(0, "000000000000").code()).isEqualTo(MODE_PARAMETERS_CHANGED);
            assertThat(pages(client)).containsExactly(NO_WCE, NO_WCE, NO_WCE);
        }
        write(one);
        assertThat(select(one, WCE)).isEqualTo(INVALID_FIELD_IN_PARAMETER_LIST);
        assertThat(select(one, NO_WCE)).isZero();
        bed.disk.writeThrough(false);
        for (ScsiClient client : List.of(one, two)) {
            assertThat(client.run(0, "000000000000").code()).isEqualTo(MODE_PARAMETERS_CHANGED);
            assertThat(pages(client)).containsExactly(WCE, WCE, WCE);
        }
        write(one);
        assertThat(durable()).containsExactly(false, true, false);
    }

    @Test
    void whoWasToldThatThereIsNoCacheWritesThroughUntilItAsksAgain() {
        bed.disk.writeThrough(true);
        ScsiClient one = bed.client(1);
        ScsiClient two = bed.client(2, bed.other);
        one.ready(0);
        two.ready(0);
        assertThat(page(one, "08")).isEqualTo(NO_WCE);
        bed.disk.writeThrough(false);
        for (ScsiClient client : List.of(one, two)) {
            assertThat(client.run(0, "000000000000").code()).isEqualTo(MODE_PARAMETERS_CHANGED);
        }
        // The other one has never asked.
        write(two);
        write(one);
        // What is not of the caching page, not its current values, or not all of it, tells nothing.
        assertThat(page(one, "0A")).startsWith("0a");
        assertThat(page(one, "48")).isEqualTo(WCE);
        one.in(0, "1A080800" + "0400", 4);
        write(one);
        zeroes(one);
        assertThat(one.in(0, "1A083F00FF00", 255).hex()).contains(WCE);
        write(one);
        assertThat(durable()).containsExactly(false, true, true, false);
        assertThat(durable(BlockOperation.WRITE_ZEROES)).containsExactly(true);
    }

    private static void zeroes(ScsiClient client) {
        byte[] block = new byte[ScsiBed.BLOCK];
        assertThat(client.out(0, "41000000000000000100", block).good()).isTrue();
    }

    /** The session of an initiator port, whose unit attentions are cleared. */
    private ScsiClient session(long isid, int portalGroup) {
        return bed.iscsi("iqn.2026-11.test:db1", isid, portalGroup);
    }

    @Test
    void anInitiatorPortKeepsWhatItWasToldOverTheEndOfItsSession() {
        bed.disk.writeThrough(true);
        ScsiClient first = session(1, 1);
        assertThat(page(first, "08")).isEqualTo(NO_WCE);
        first.close();
        // It changes while nobody is there.
        bed.disk.writeThrough(false);
        write(session(2, 1));
        ScsiClient again = session(1, 1);
        write(again);
        again.close();
        // Once more, by another portal group: sent there, perhaps.
        ScsiClient elsewhere = session(1, 2);
        write(elsewhere);
        assertThat(page(elsewhere, "08")).isEqualTo(WCE);
        write(elsewhere);
        elsewhere.close();
        // It asked there; what it knows by the first group it has not asked again.
        ScsiClient third = session(1, 1);
        write(third);
        assertThat(page(third, "08")).isEqualTo(WCE);
        write(third);
        third.close();
        write(session(1, 1));
        assertThat(durable()).containsExactly(false, true, true, false, true, false, false);
    }

    @Test
    void whereTooManyWereToldEachOfThemStillWritesThroughAndStrangersDoNot() {
        bed.disk.writeThrough(true);
        for (int i = 0; i < CacheKnowledge.REMEMBERED_AT_MOST; i++) {
            leave(i);
        }
        leave(2_000_000);
        bed.disk.writeThrough(false);
        write(session(1_000_000, 1));
        // All that are remembered ask; the one that is not has not.
        for (int i = 0; i < CacheKnowledge.REMEMBERED_AT_MOST; i++) {
            ScsiClient client = session(i, 1);
            assertThat(page(client, "08")).isEqualTo(WCE);
            client.close();
        }
        write(session(0, 1));
        ScsiClient beyond = session(2_000_000, 1);
        write(beyond);
        assertThat(page(beyond, "08")).isEqualTo(WCE);
        write(beyond);
        assertThat(durable()).containsExactly(false, false, true, false);
    }

    private void leave(long isid) {
        ScsiClient client = session(isid, 1);
        assertThat(page(client, "08")).isEqualTo(NO_WCE);
        client.close();
    }

    @Test
    void aNewInitiatorCountsOnNothingThatAnotherOneWasTold() {
        bed.disk.writeThrough(true);
        ScsiClient client = bed.client(1);
        client.ready(0);
        assertThat(page(client, "08")).isEqualTo(NO_WCE);
        bed.disk.writeThrough(false);
        assertThat(client.run(0, "000000000000").code()).isEqualTo(MODE_PARAMETERS_CHANGED);
        assertThat(client.manage(TaskManagement.Function.LOGICAL_UNIT_RESET, 0, 0))
                .isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        client.ready(0);
        write(client);
        ScsiClient next = bed.client(2);
        next.ready(0);
        write(next);
        assertThat(durable()).containsExactly(true, false);
    }

    @Test
    void whatAnInitiatorTurnedOffIsOffAfterwards() {
        ScsiClient client = bed.client(1);
        assertThat(select(client, NO_WCE)).isZero();
        bed.disk.writeThrough(true);
        assertThat(client.run(0, "000000000000").code()).isEqualTo(MODE_PARAMETERS_CHANGED);
        assertThat(client.manage(TaskManagement.Function.LOGICAL_UNIT_RESET, 0, 0))
                .isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        client.ready(0);
        assertThat(pages(client)).containsExactly(NO_WCE, NO_WCE, NO_WCE);
        bed.disk.writeThrough(false);
        assertThat(client.run(0, "000000000000").code()).isEqualTo(MODE_PARAMETERS_CHANGED);
        assertThat(pages(client)).containsExactly(WCE, WCE, WCE);
        assertThat(select(client, NO_WCE)).isZero();
        bed.disk.writeThrough(true);
        assertThat(client.run(0, "000000000000").code()).isEqualTo(MODE_PARAMETERS_CHANGED);
        bed.disk.writeThrough(false);
        assertThat(client.run(0, "000000000000").code()).isEqualTo(MODE_PARAMETERS_CHANGED);
        assertThat(pages(client)).containsExactly(NO_WCE, WCE, WCE);
    }
}
