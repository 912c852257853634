package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.OpenFiles;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Initiators that break the rules: they lose their session, and nobody else notices. */
class HostileInitiatorTest {
    private static final int WRITE = 0xA1;
    private static final Map<String, String> STRICT =
            Map.of("InitialR2T", "Yes", "ImmediateData", "No", "MaxBurstLength", "4096");
    private static final Map<String, String> LOOSE =
            Map.of(
                    "InitialR2T", "No",
                    "ImmediateData", "Yes",
                    "FirstBurstLength", "4096",
                    "MaxBurstLength", "4096");
    private static final Map<String, String> DIGESTS =
            Map.of("HeaderDigest", "CRC32C", "DataDigest", "CRC32C");

    private final Bed bed = new Bed();

    @AfterEach
    void nothingIsLost() throws Exception {
        bed.awaitNoSession();
        assertThat(bed.isPoolWhole()).isTrue();
        try (IscsiInitiator other = bed.session(Map.of())) {
            assertThat(other.exchange(other.request(0x40, 0x80)).opcode()).isEqualTo(0x20);
        }
        bed.awaitNoSession();
        assertThat(bed.bugs()).isZero();
        bed.close();
    }

    private interface Attack {
        void on(IscsiInitiator initiator) throws IOException;
    }

    private void endsTheSession(Map<String, String> parameters, Attack attack) throws IOException {
        try (IscsiInitiator initiator = bed.session(parameters)) {
            attack.on(initiator);
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
    }

    private void isRejected(int reason, Attack attack) throws IOException {
        try (IscsiInitiator initiator = bed.session(STRICT)) {
            attack.on(initiator);
            IscsiPdu answer = initiator.receive();
            assertThat(answer.opcode()).isEqualTo(0x3F);
            assertThat(answer.u8(2)).isEqualTo(reason);
            assertThat(answer.data()).hasSize(48);
            assertThat(initiator.exchange(initiator.request(0x40, 0x80)).opcode()).isEqualTo(0x20);
        }
    }

    private static IscsiPdu write(IscsiInitiator initiator, int blocks) {
        return initiator.command(WRITE, 0, blocks * 512, Bed.cdb(FakeTarget.WRITE_10, 0, blocks));
    }

    @Test
    void framing() throws IOException {
        endsTheSession(LOOSE, i -> i.send(i.request(0x40, 0x80).announced(0xFFFFFF)));
        endsTheSession(LOOSE, i -> i.send(i.request(0x40, 0x80).announced(262145)));
        endsTheSession(DIGESTS, i -> damage(i, i.request(0x40, 0x80), 20));
        endsTheSession(LOOSE, i -> i.send(write(i, 1).additional(new byte[255 * 4])));
        endsTheSession(
                LOOSE, i -> i.send(write(i, 1).additional(new byte[] {0, 9, 1, 0, 0, 0, 0, 0})));
        endsTheSession(LOOSE, i -> i.send(i.loginRequest(1, 3, i.identity(Bed.TARGET))));
    }

    private static void damage(IscsiInitiator initiator, IscsiPdu pdu, int at) throws IOException {
        byte[] bytes = initiator.encode(pdu);
        bytes[at] ^= 0x10;
        initiator.socket().getOutputStream().write(bytes);
    }

    @Test
    void whatIsNotSupportedIsRejected() throws IOException {
        isRejected(Pdu.REASON_NOT_SUPPORTED, i -> i.send(i.request(0x5C, 0x80)));
        isRejected(Pdu.REASON_SNACK, i -> i.send(i.request(0x50, 0x80)));
        isRejected(
                0x07,
                i -> {
                    IscsiPdu first = i.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0));
                    i.send(first);
                    i.send(i.command(0x81, 0, 0, new byte[16]).u32(16, first.u32(16)));
                });
        isRejected(
                Pdu.REASON_INVALID_FIELD,
                i -> i.send(i.dataOut(write(i, 1).u32(16, 0x55), 7, 0, 0, new byte[512], true)));
        isRejected(
                Pdu.REASON_PROTOCOL_ERROR,
                i -> i.send(i.request(0x44, 0x80).u32(20, 0x1234).text(Map.of("A", "b"))));
        isRejected(
                Pdu.REASON_PROTOCOL_ERROR,
                i -> i.send(i.request(0x44, 0xC0).text(Map.of("A", "b"))));
    }

    @Test
    void sequenceOfCommands() throws IOException {
        endsTheSession(LOOSE, i -> i.send(i.request(0x00, 0x80).u32(24, i.cmdSn() + 5)));
        try (IscsiInitiator initiator = bed.session(LOOSE)) {
            // Too low, far too high: as if they had not come.
            initiator.send(initiator.request(0x40, 0x80).u8(0, 0).u32(24, initiator.cmdSn() - 1));
            initiator.send(
                    initiator.request(0x40, 0x80).u8(0, 0).u32(24, initiator.cmdSn() + 100_000));
            IscsiPdu ping = initiator.request(0x40, 0x80);
            assertThat(initiator.exchange(ping).u32(16)).isEqualTo(ping.u32(16));
        }
    }

    @Test
    void unsolicitedData() throws IOException {
        endsTheSession(STRICT, i -> i.send(write(i, 1).data(new byte[512])));
        endsTheSession(STRICT, i -> i.send(write(i, 1).u8(1, 0x21)));
        endsTheSession(LOOSE, i -> i.send(write(i, 16).data(new byte[8192])));
        endsTheSession(LOOSE, i -> i.send(write(i, 1).data(new byte[1024])));
        endsTheSession(
                LOOSE,
                i -> {
                    IscsiPdu command = write(i, 16).u8(1, 0x21);
                    i.send(command);
                    i.send(i.dataOut(command, IscsiPdu.NO_TAG, 0, 0, new byte[4097], true));
                });
        endsTheSession(
                LOOSE,
                i -> {
                    IscsiPdu command = write(i, 16).u8(1, 0x21);
                    i.send(command);
                    i.send(i.dataOut(command, IscsiPdu.NO_TAG, 0, 512, new byte[512], true));
                });
    }

    @Test
    void solicitedData() throws IOException {
        answersWrongly((i, c, t) -> i.dataOut(c, t + 1, 0, 0, new byte[4096], true));
        answersWrongly((i, c, t) -> i.dataOut(c, IscsiPdu.NO_TAG, 0, 0, new byte[512], true));
        answersWrongly((i, c, t) -> i.dataOut(c, t, 0, 512, new byte[3584], true));
        answersWrongly((i, c, t) -> i.dataOut(c, t, 0, 0, new byte[4097], true));
        answersWrongly((i, c, t) -> i.dataOut(c, t, 0, 0, new byte[512], true));
        answersWrongly((i, c, t) -> i.dataOut(c, t, 0, 0, new byte[4096], false));
        answersWrongly((i, c, t) -> i.dataOut(c, t, 0, 0x7FFFFFFF, new byte[4096], true));
    }

    private interface Answer {
        IscsiPdu to(IscsiInitiator initiator, IscsiPdu command, int tag);
    }

    private void answersWrongly(Answer answer) throws IOException {
        endsTheSession(
                STRICT,
                initiator -> {
                    IscsiPdu command = write(initiator, 16);
                    IscsiPdu r2t = initiator.exchange(command);
                    assertThat(r2t.opcode()).isEqualTo(0x31);
                    initiator.send(answer.to(initiator, command, r2t.u32(20)));
                });
    }

    @Test
    void aFloodOfPingsThatNobodyReadsWaits() throws Exception {
        try (IscsiInitiator initiator = bed.session(LOOSE)) {
            initiator.socket().setSoTimeout(100);
            byte[] ping = initiator.encode(initiator.request(0x40, 0x80).data(new byte[8192]));
            var flood =
                    Thread.ofPlatform()
                            .daemon()
                            .start(() -> {
                                try {
                                    for (int i = 0; i < 4000; i++) {
                                        initiator.socket().getOutputStream().write(ping);
                                    }
                                } catch (IOException closed) {
                                    // By the end of the test.
                                }
                            });
            flood.join(1000);
            // Others are served meanwhile.
            try (IscsiInitiator other = bed.connect().isid(77)) {
                assertThat(other.login(Bed.TARGET, LOOSE).u16(36)).isZero();
                assertThat(other.exchange(other.request(0x40, 0x80)).opcode()).isEqualTo(0x20);
            }
        }
    }

    @Test
    void memoryIsShared() throws IOException {
        try (IscsiInitiator greedy = bed.session(STRICT);
                IscsiInitiator modest = bed.connect().isid(77)) {
            // Each wants 4 MiB, of a pool of 16: those that get nothing yet wait.
            for (int i = 0; i < 20; i++) {
                greedy.send(
                        greedy.command(WRITE, 0, 4 << 20, Bed.cdb(FakeTarget.WRITE_10, 0, 8192)));
            }
            assertThat(greedy.receive().opcode()).isEqualTo(0x31);
            assertThat(modest.login(Bed.TARGET, STRICT).u16(36)).isZero();
            IscsiPdu command = write(modest, 1);
            IscsiPdu r2t = modest.exchange(command);
            assertThat(r2t.opcode()).isEqualTo(0x31);
            modest.send(modest.dataOut(command, r2t.u32(20), 0, 0, new byte[512], true));
            assertThat(modest.receive().opcode()).isEqualTo(0x21);
        }
    }

    /**
     * Mostly valid, one thing wrong: whatever comes back, the daemon and the others live on. {@code
     * -Dvireo.fuzz.sessions} makes it longer.
     */
    @Test
    @Tag("endurance")
    void randomMistakes() throws Exception {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("HostileInitiatorTest: -Dvireo.seed=" + seed);
        var random = new Random(seed);
        int rounds = Integer.getInteger("vireo.fuzz.sessions", 300);
        bed.session(LOOSE).close();
        bed.awaitNoSession();
        int before = OpenFiles.count();
        for (int round = 0; round < rounds; round++) {
            try (IscsiInitiator initiator = bed.session(random.nextBoolean() ? LOOSE : DIGESTS)) {
                sequence(initiator, random);
            } catch (IOException refused) {
                // The target may close the connection at any of these.
            }
        }
        bed.awaitNoSession();
        Eventually.until("descriptors are closed", () -> OpenFiles.count() <= before);
    }

    private static void sequence(IscsiInitiator initiator, Random random) throws IOException {
        int victim = random.nextInt(6);
        for (int i = 0; i < 6; i++) {
            byte[] bytes = initiator.encode(some(initiator, random));
            if (i == victim) {
                int at = random.nextInt(3) == 0 ? random.nextInt(bytes.length) : random.nextInt(48);
                bytes[at] = (byte) random.nextInt(256);
            }
            if (random.nextInt(20) == 0) {
                bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            initiator.socket().getOutputStream().write(bytes);
        }
        assertThat(initiator.finish()).isTrue();
    }

    private static IscsiPdu some(IscsiInitiator initiator, Random random) {
        int blocks = 1 + random.nextInt(16);
        return switch (random.nextInt(8)) {
            case 0 -> initiator.request(0x40, 0x80).data(new byte[random.nextInt(2000)]);
            case 1 ->
                    initiator.command(
                            0xC1, 0, blocks * 512, Bed.cdb(FakeTarget.READ_10, 0, blocks));
            case 2 -> write(initiator, blocks).data(new byte[Math.min(blocks * 512, 4096)]);
            case 3 -> write(initiator, blocks).u8(1, 0x21);
            case 4 -> initiator.request(0x42, 0x80 | random.nextInt(9)).u32(20, 3);
            case 5 -> initiator.request(0x04, 0x80).text(Map.of("SendTargets", ""));
            case 6 ->
                    initiator.dataOut(
                            write(initiator, blocks),
                            random.nextInt(1 << 24),
                            0,
                            0,
                            new byte[512],
                            true);
            default -> initiator.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0));
        };
    }
}
