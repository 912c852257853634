package io.vireo.device.scsi;

import static io.vireo.device.scsi.ScsiBed.BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Three initiators at two units, each on a reactor of its own, who do to one another what SCSI lets
 * them: each command and each function ends, once, and the units go on. {@code -Dvireo.seed}
 * replays what is asked, though not what the reactors make of it.
 */
class SharedUnitsTest extends TwoUnitsBed {
    private static final int STEPS = 4000;
    private static final int AT_ONCE = 200;

    private final long seed = Long.getLong("vireo.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final List<ScsiClient> clients = new ArrayList<>();
    private final List<CompletableFuture<Result>> tasks = new ArrayList<>();
    private final List<CompletableFuture<TaskManagement.Response>> functions = new ArrayList<>();
    private long tag;

    SharedUnitsTest() {
        map(true);
        clients.add(bed.client(1, bed.owner));
        clients.add(bed.client(2, bed.other));
        clients.add(bed.iscsi("iqn.2026-11.test:three", 3, 1));
    }

    @Override
    @AfterEach
    void close() {
        fate(Fate.DONE);
        super.close();
    }

    private void map(boolean both) {
        var first = new UnitTarget.Mapping(0, bed.unit, false);
        var more = new UnitTarget.Mapping(1, other, random.nextInt(4) == 0);
        bed.target.map(both ? List.of(first, more) : List.of(first), () -> {});
    }

    private void fate(Fate fate) {
        bed.disk.fate(_ -> fate);
        second.fate(_ -> fate);
    }

    @Test
    void whateverTheyDoAllOfItEnds() {
        System.out.println("SharedUnitsTest seed " + seed);
        for (int step = 0; step < STEPS; step++) {
            step(clients.get(random.nextInt(clients.size())));
            if (tasks.size() > AT_ONCE) {
                settle();
            }
        }
        settle();
        for (ScsiClient client : clients) {
            assertThat(client.inFlight()).isZero();
        }
        bed.target.access(PortGroups.OPTIMIZED);
        map(true);
        ScsiClient last = clients.getFirst();
        // RESERVE of whomever is over by it.
        assertThat(last.manage(TaskManagement.Function.LOGICAL_UNIT_RESET, 0, 0))
                .isEqualTo(TaskManagement.Response.FUNCTION_COMPLETE);
        last.ready(0);
        assertThat(last.out(0, "5F060000000000001800", registration(9)).good()).isTrue();
        assertThat(last.out(0, "5F030000000000001800", clear(9)).good()).isTrue();
        last.ready(0);
        assertThat(last.in(0, "28000000000000000100", BLOCK).good()).isTrue();
    }

    private void settle() {
        fate(Fate.DONE);
        Eventually.until(
                "all have ended (seed " + seed + ")",
                () -> {
                    bed.disk.release();
                    second.release();
                    return tasks.stream().allMatch(CompletableFuture::isDone)
                            && functions.stream().allMatch(CompletableFuture::isDone);
                });
        tasks.clear();
        functions.clear();
    }

    private void step(ScsiClient client) {
        int lun = random.nextInt(8) == 0 ? 1 : 0;
        switch (random.nextInt(24)) {
            case 0, 1 -> function(client, lun);
            case 2 -> map(random.nextBoolean());
            case 3 -> access();
            case 4, 5, 6 -> fate(random.nextBoolean() ? Fate.HELD : Fate.DONE);
            case 7 -> start(client, lun, "151000001000", taskAborted(), 0);
            case 8 -> start(client, lun, "890000000000" + lba() + "000000010000", 2);
            case 9, 10 -> copy(client, lun);
            case 11 ->
                    start(client, lun, "5F060000000000001800", registration(random.nextInt(3)), 0);
            case 12 -> {
                int action = 1 + random.nextInt(5);
                byte[] list = registration(random.nextInt(3));
                Bytes.put64(list, 0, 1 + random.nextInt(2));
                start(client, lun, "5F0" + action + "0500000000001800", list, 0);
            }
            case 13 ->
                    start(client, lun, random.nextBoolean() ? "160000000000" : "170000000000", 0);
            case 14, 15, 16 -> start(client, lun, "2A00" + lba() + "00000100", 1);
            default -> start(client, lun, "2800" + lba() + "00000100", 0);
        }
    }

    private String lba() {
        return HexFormat.of().toHexDigits(random.nextInt(BLOCKS));
    }

    private static byte[] registration(long key) {
        byte[] list = new byte[24];
        Bytes.put64(list, 8, key);
        list[20] = (byte) (key & 1);
        return list;
    }

    private static byte[] clear(long key) {
        byte[] list = new byte[24];
        Bytes.put64(list, 0, key);
        return list;
    }

    private byte[] taskAborted() {
        String tas = random.nextBoolean() ? "40" : "00";
        return ScsiClient.bytes("000000000a0a021000" + tas + "0000ffff0000");
    }

    private void access() {
        bed.target.access(random.nextInt(3) == 0 ? random.nextInt(4) : PortGroups.OPTIMIZED);
    }

    private void copy(ScsiClient client, int lun) {
        String units = CopyLists.cscd(bed.unit) + CopyLists.cscd(other);
        int from = random.nextInt(2);
        int to = random.nextInt(2);
        int blocks = random.nextInt(3000);
        String segment =
                CopyLists.segment(
                        from,
                        to,
                        blocks,
                        random.nextInt(BLOCKS - blocks),
                        random.nextInt(BLOCKS - blocks));
        byte[] list = CopyLists.longList(random.nextInt(20), random.nextBoolean(), units, segment);
        start(client, lun, CopyLists.cdb(1, list.length), list, 0);
    }

    private void function(ScsiClient client, int lun) {
        var all = TaskManagement.Function.values();
        long of = Math.max(1, tag - random.nextInt(20));
        functions.add(client.startManage(all[random.nextInt(all.length)], lun, of));
    }

    /** With so many blocks of Data-Out. */
    private void start(ScsiClient client, int lun, String cdb, int blocks) {
        start(client, lun, cdb, new byte[blocks * BLOCK], BLOCK);
    }

    private void start(ScsiClient client, int lun, String cdb, byte[] out, int room) {
        var attribute =
                switch (random.nextInt(8)) {
                    case 0 -> TaskAttribute.ORDERED;
                    case 1, 2 -> TaskAttribute.HEAD_OF_QUEUE;
                    default -> TaskAttribute.SIMPLE;
                };
        tasks.add(client.start(lun, ++tag, attribute, ScsiClient.bytes(cdb), out, room));
    }
}
