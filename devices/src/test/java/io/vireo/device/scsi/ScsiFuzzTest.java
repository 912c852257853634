package io.vireo.device.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.scsi.ScsiClient.Result;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/**
 * CDBs that are mostly valid with one rule broken, from two initiators on two reactors: every task
 * ends once, in bounds, and the unit goes on. {@code -Dvireo.seed} replays a run, {@code
 * -Dvireo.fuzz.rounds} makes it longer.
 */
class ScsiFuzzTest {
    private static final int ROUNDS = Integer.getInteger("vireo.fuzz.rounds", 20_000);
    private static final int WINDOW = 64;

    private final long seed = Long.getLong("vireo.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final ScsiBed bed = new ScsiBed();
    private final ScsiClient[] clients = {bed.client(1), bed.client(2, bed.other)};

    @Test
    void everyTaskEndsAndTheUnitGoesOn() {
        System.out.println("ScsiFuzzTest seed " + seed);
        try {
            List<CompletableFuture<Result>> running = new ArrayList<>();
            for (int i = 0; i < ROUNDS; i++) {
                running.add(start(i));
                if (running.size() == WINDOW) {
                    running.forEach(ScsiFuzzTest::check);
                    running.clear();
                }
                if (i % 1000 == 999) {
                    manage();
                }
            }
            running.forEach(ScsiFuzzTest::check);
            goesOn();
        } finally {
            bed.close();
        }
    }

    private CompletableFuture<Result> start(int tag) {
        List<Command> commands = CommandTable.ALL.commands();
        Command command = commands.get(random.nextInt(commands.size()));
        byte[] cdb = command.usage().clone();
        for (int i = 1; i < cdb.length; i++) {
            // Within the bits that are looked at, small numbers most of the time.
            int value = random.nextInt(3) == 0 ? random.nextInt(256) : 0;
            boolean action = i == 1 && command.hasServiceAction();
            cdb[i] = (byte) (action ? cdb[i] & 0x1F : cdb[i] & value);
        }
        if (cdb.length > 6) {
            cdb[cdb.length - 3] = (byte) random.nextInt(4);
        }
        if (random.nextInt(4) == 0) {
            cdb[random.nextInt(cdb.length)] ^= (byte) (1 << random.nextInt(8));
        }
        byte[] out = new byte[random.nextBoolean() ? 0 : random.nextInt(4096)];
        if (random.nextBoolean()) {
            random.nextBytes(out);
        }
        if (command.opcode() == 0x83 && random.nextInt(4) != 0) {
            out = copyList(command.serviceAction());
            Bytes.put32(cdb, 10, out.length);
            cdb[9] = (byte) random.nextInt(4);
        }
        int room = random.nextBoolean() ? 0 : random.nextInt(8192);
        var attribute = TaskAttribute.values()[random.nextInt(8) == 0 ? random.nextInt(4) : 0];
        int lun = random.nextInt(20) == 0 ? 1 : 0;
        return clients[random.nextInt(2)].start(lun, tag, attribute, cdb, out, room);
    }

    /** Parameters of a copy that are right, but for one byte now and then. */
    private byte[] copyList(int action) {
        byte[] list =
                switch (action) {
                    case CopyOperation.LID1 -> new byte[16 + 32 + 28];
                    case CopyOperation.LID4 -> new byte[48 + 32 + 28];
                    case CopyOperation.POPULATE_TOKEN -> new byte[16 + 32];
                    default -> new byte[536 + 16];
                };
        if (action < CopyOperation.POPULATE_TOKEN) {
            boolean four = action == CopyOperation.LID4;
            int at = four ? 48 : 16;
            if (four) {
                list[0] = 1;
                list[3] = 32;
                list[15] = (byte) random.nextInt(2);
                list[16] = (byte) 0xFF;
                list[23] = (byte) random.nextInt(4);
                list[43] = 32;
                list[45] = 28;
            } else {
                list[0] = (byte) random.nextInt(4);
                list[3] = 32;
                list[11] = 28;
            }
            Bytes.put64(list, at, 0xE400_0000_0103_0008L);
            Bytes.put64(list, at + 8, bed.unit.identity().naa());
            Bytes.put32(list, at + 28, ScsiBed.BLOCK);
            Bytes.put32(list, at + 32, 0x0200_0018);
            Bytes.put32(list, at + 36, random.nextBoolean() ? 0xFFFF_0000L : 0xFFFF);
            list[at + 43] = (byte) random.nextInt(256);
            list[at + 50] = (byte) random.nextInt(64);
            list[at + 58] = (byte) random.nextInt(64);
        } else {
            Bytes.put16(list, 0, list.length - 2);
            int ranges = action == CopyOperation.POPULATE_TOKEN ? 16 : 536;
            Bytes.put16(list, ranges - 2, list.length - ranges);
            for (int at = ranges; at < list.length; at += 16) {
                list[at + 6] = (byte) (at - ranges);
                list[at + 11] = (byte) random.nextInt(16);
            }
            if (ranges == 536 && random.nextBoolean()) {
                Bytes.put32(list, 16, RodToken.ZERO);
            } else if (ranges == 536) {
                Bytes.put64(list, 40, bed.unit.identity().naa());
            }
        }
        if (random.nextInt(3) == 0) {
            list[random.nextInt(list.length)] = (byte) random.nextInt(256);
        }
        return random.nextInt(10) == 0
                ? java.util.Arrays.copyOf(list, random.nextInt(list.length))
                : list;
    }

    private static void check(CompletableFuture<Result> task) {
        Result result = BlockClient.await(task);
        if (result.outcome() == ScsiTask.Outcome.COMPLETED) {
            assertThat(result.inWanted()).isBetween(0L, (long) LogicalUnit.MAX_TRANSFER);
            boolean check = result.status() == io.vireo.scsi.ScsiStatus.CHECK_CONDITION;
            assertThat(result.sense().length > 0).isEqualTo(check);
        }
    }

    private void manage() {
        var functions = TaskManagement.Function.values();
        var function = functions[random.nextInt(functions.length)];
        clients[random.nextInt(2)].manage(function, 0, random.nextInt(ROUNDS));
    }

    /** After a reset, out of all states that commands may have brought it into. */
    private void goesOn() {
        ScsiClient client = clients[0];
        client.manage(TaskManagement.Function.LOGICAL_UNIT_RESET, 0, 0);
        Result ready;
        do {
            ready = client.run(0, "1B0000000100");
        } while (!ready.good() && ready.status() == io.vireo.scsi.ScsiStatus.CHECK_CONDITION);
        assertThat(client.in(0, "120000FFFF00", 255).data()).hasSize(96);
        assertThat(client.inFlight()).isZero();
    }
}
