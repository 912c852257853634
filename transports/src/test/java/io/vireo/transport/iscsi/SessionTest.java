package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.OpenFiles;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions in full-feature phase, over sockets. */
class SessionTest {
    private static final int READ = 0xC1;
    private static final int WRITE = 0xA1;
    private static final int IMMEDIATE_DATA = 0;
    private static final int UNSOLICITED_DATA = 1;
    private static final int SOLICITED_DATA = 2;
    private static final int UNSOLICITED_WRITE = 0x21;
    private static final Map<String, String> PLAIN = Map.of("MaxRecvDataSegmentLength", "65536");

    private final Bed bed = new Bed();

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        bed.awaitNoSession();
        assertThat(bed.isPoolWhole()).isTrue();
        bed.close();
    }

    private static byte[] pattern(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(strings = {"None", "CRC32C"})
    void dataGoThereAndComeBack(String digests) throws IOException {
        var parameters =
                Map.of(
                        "HeaderDigest", digests,
                        "DataDigest", digests,
                        "MaxRecvDataSegmentLength", "8192",
                        "MaxBurstLength", "65536",
                        "FirstBurstLength", "16384",
                        "MaxOutstandingR2T", "4",
                        "InitialR2T", "No",
                        "ImmediateData", "Yes");
        try (IscsiInitiator initiator = bed.session(parameters)) {
            byte[] data = pattern(300 * FakeTarget.BLOCK);
            write(initiator, data, 4096, 16384, 4);
            assertThat(Arrays.copyOf(bed.device.blocks, data.length)).isEqualTo(data);
            assertThat(read(initiator, 0, 300, 8192, 65536)).isEqualTo(data);
            assertThat(read(initiator, 1, 1, 8192, 65536))
                    .isEqualTo(Arrays.copyOfRange(data, 512, 1024));
        }
    }

    /** A write that uses all that there is: immediate, unsolicited and solicited data. */
    private static void write(
            IscsiInitiator initiator, byte[] data, int immediate, int firstBurst, int outstanding)
            throws IOException {
        byte[] cdb = Bed.cdb(FakeTarget.WRITE_10, 0, data.length / FakeTarget.BLOCK);
        IscsiPdu command = initiator.command(UNSOLICITED_WRITE, 0, data.length, cdb);
        initiator.send(command.data(Arrays.copyOf(data, immediate)));
        int at = immediate;
        for (int sn = 0; at < firstBurst; sn++) {
            int next = Math.min(at + 5000, firstBurst);
            byte[] piece = Arrays.copyOfRange(data, at, next);
            initiator.send(
                    initiator.dataOut(command, IscsiPdu.NO_TAG, sn, at, piece, next == firstBurst));
            at = next;
        }
        int asked = 0;
        while (at < data.length) {
            IscsiPdu r2t = initiator.receive();
            assertThat(r2t.opcode()).isEqualTo(0x31);
            assertThat(r2t.u32(36)).isEqualTo(asked++);
            assertThat(r2t.u32(40)).isEqualTo(at);
            int end = at + r2t.u32(44);
            for (int sn = 0; at < end; sn++) {
                int next = Math.min(at + 7000, end);
                byte[] piece = Arrays.copyOfRange(data, at, next);
                initiator.send(initiator.dataOut(command, r2t.u32(20), sn, at, piece, next == end));
                at = next;
            }
        }
        assertThat(asked).isEqualTo((data.length - firstBurst + 65535) / 65536);
        IscsiPdu response = initiator.receive();
        assertThat(response.opcode()).isEqualTo(0x21);
        assertThat(response.u8(3)).isZero();
        assertThat(response.flags()).isEqualTo(0x80);
        assertThat(outstanding).isPositive();
    }

    private static byte[] read(
            IscsiInitiator initiator, int block, int blocks, int segment, int burst)
            throws IOException {
        byte[] data = new byte[blocks * FakeTarget.BLOCK];
        byte[] cdb = Bed.cdb(FakeTarget.READ_10, block, blocks);
        initiator.send(initiator.command(READ, 0, data.length, cdb));
        int at = 0;
        int inBurst = 0;
        for (int sn = 0; at < data.length; sn++) {
            IscsiPdu pdu = initiator.receive();
            assertThat(pdu.opcode()).isEqualTo(0x25);
            assertThat(pdu.u32(36)).isEqualTo(sn);
            assertThat(pdu.u32(40)).isEqualTo(at);
            assertThat(pdu.data().length).isBetween(1, segment);
            System.arraycopy(pdu.data(), 0, data, at, pdu.data().length);
            at += pdu.data().length;
            inBurst += pdu.data().length;
            boolean ends = at == data.length || inBurst == burst;
            assertThat(pdu.flags() & 0x80).isEqualTo(ends ? 0x80 : 0);
            inBurst = ends ? 0 : inBurst;
            // The status comes with the last data.
            assertThat(pdu.flags() & 1).isEqualTo(at == data.length ? 1 : 0);
        }
        return data;
    }

    /** DataSequenceInOrder=Yes: of several R2Ts the first is answered first. */
    @Test
    void whoAnswersALaterR2tFirstLosesTheSessionAndWritesNothing() throws Exception {
        var parameters =
                Map.of("MaxBurstLength", "4096", "MaxOutstandingR2T", "3", "ImmediateData", "No");
        try (IscsiInitiator initiator = bed.session(parameters)) {
            byte[] data = pattern(24 * FakeTarget.BLOCK);
            IscsiPdu command =
                    initiator.command(WRITE, 0, data.length, Bed.cdb(FakeTarget.WRITE_10, 8, 24));
            initiator.send(command);
            initiator.receive();
            IscsiPdu later = initiator.receive();
            initiator.receive();
            byte[] piece = Arrays.copyOfRange(data, 4096, 8192);
            initiator.send(initiator.dataOut(command, later.u32(20), 0, 4096, piece, true));
            assertThat(initiator.receive().opcode()).isEqualTo(0x3F);
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
        bed.awaitNoSession();
        assertThat(Arrays.copyOfRange(bed.device.blocks, 4096, 4096 + 12288)).containsOnly(0);
    }

    @Test
    void severalR2tsAreOutAtOnce() throws IOException {
        var parameters =
                Map.of("MaxBurstLength", "4096", "MaxOutstandingR2T", "3", "ImmediateData", "No");
        try (IscsiInitiator initiator = bed.session(parameters)) {
            byte[] data = pattern(40 * FakeTarget.BLOCK);
            IscsiPdu command =
                    initiator.command(WRITE, 0, data.length, Bed.cdb(FakeTarget.WRITE_10, 8, 40));
            initiator.send(command);
            var r2ts =
                    new IscsiPdu[] {initiator.receive(), initiator.receive(), initiator.receive()};
            for (int i = 0; i < 5; i++) {
                IscsiPdu r2t = i < 3 ? r2ts[i] : initiator.receive();
                assertThat(r2t.opcode()).isEqualTo(0x31);
                assertThat(r2t.u32(40)).isEqualTo(i * 4096);
                byte[] piece = Arrays.copyOfRange(data, i * 4096, (i + 1) * 4096);
                initiator.send(initiator.dataOut(command, r2t.u32(20), 0, i * 4096, piece, true));
            }
            assertThat(initiator.receive().opcode()).isEqualTo(0x21);
            assertThat(Arrays.copyOfRange(bed.device.blocks, 4096, 4096 + data.length))
                    .isEqualTo(data);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 27, -1})
    void aWrongDataSnEndsItsCommandAndNotTheSession(int wrong) throws IOException {
        var parameters = Map.of("ImmediateData", "No", "InitialR2T", "No");
        try (IscsiInitiator initiator = bed.session(parameters)) {
            byte[] data = pattern(16 * FakeTarget.BLOCK);
            byte[] cdb = Bed.cdb(FakeTarget.WRITE_10, 0, 16);
            for (boolean solicited : new boolean[] {true, false}) {
                IscsiPdu command =
                        initiator.command(
                                solicited ? WRITE : UNSOLICITED_WRITE, 0, data.length, cdb);
                initiator.send(command);
                int tag = solicited ? initiator.receive().u32(20) : IscsiPdu.NO_TAG;
                byte[] half = Arrays.copyOf(data, data.length / 2);
                initiator.send(initiator.dataOut(command, tag, wrong, 0, half, false));
                initiator.send(initiator.dataOut(command, tag, 1, data.length / 2, half, true));
                isSpoiled(initiator.receive(), command);
                assertThat(bed.device.blocks).startsWith(new byte[data.length]);
            }
            write(initiator, data, 0, data.length, 1);
            assertThat(Arrays.copyOf(bed.device.blocks, data.length)).isEqualTo(data);
        }
    }

    /** RFC 7143, 7.8: the PDU is rejected, its command is to be repeated, the others go on. */
    @ParameterizedTest
    @ValueSource(ints = {IMMEDIATE_DATA, UNSOLICITED_DATA, SOLICITED_DATA})
    void aWrongDataDigestEndsItsCommandAndNotTheSession(int kind) throws Exception {
        var parameters =
                Map.of(
                        "DataDigest", "CRC32C",
                        "ImmediateData", kind == IMMEDIATE_DATA ? "Yes" : "No",
                        "InitialR2T", "No");
        try (IscsiInitiator initiator = bed.session(parameters)) {
            byte[] data = pattern(16 * FakeTarget.BLOCK);
            byte[] half = Arrays.copyOf(data, data.length / 2);
            IscsiPdu beside = initiator.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0));
            initiator.send(beside);
            IscsiPdu command =
                    initiator.command(
                            kind == UNSOLICITED_DATA ? UNSOLICITED_WRITE : WRITE,
                            0,
                            data.length,
                            Bed.cdb(FakeTarget.WRITE_10, 0, 16));
            int tag = IscsiPdu.NO_TAG;
            if (kind == IMMEDIATE_DATA) {
                rejectsDamaged(initiator, command.data(half));
            } else {
                initiator.send(command);
                tag = kind == SOLICITED_DATA ? initiator.receive().u32(20) : tag;
                rejectsDamaged(initiator, initiator.dataOut(command, tag, 0, 0, half, false));
            }
            if (kind == IMMEDIATE_DATA) {
                tag = initiator.receive().u32(20);
            }
            int sn = kind == IMMEDIATE_DATA ? 0 : 1;
            initiator.send(initiator.dataOut(command, tag, sn, data.length / 2, half, true));
            isSpoiled(initiator.receive(), command);
            assertThat(bed.device.blocks).startsWith(new byte[data.length]);
            initiator.send(initiator.request(0x40, 0x80).data(half));
            assertThat(initiator.receive().data()).isEqualTo(half);
            rejectsDamaged(initiator, initiator.request(0x00, 0x80).data(half));
            write(initiator, data, 0, data.length, 1);
            assertThat(Arrays.copyOf(bed.device.blocks, data.length)).isEqualTo(data);
        }
        bed.awaitNoSession();
        assertThat(bed.isPoolWhole()).isTrue();
        assertThat(counted("digest_errors_total")).isEqualTo(2);
        // The line is bad: the initiator broke no rule.
        assertThat(counted("violations_total")).isZero();
    }

    /** What its header has been rejected for, or is ignored, gets no Reject for its data. */
    @Test
    void damagedDataThatNobodyTakesAreCountedOnly() throws Exception {
        try (IscsiInitiator initiator = bed.session(Map.of("DataDigest", "CRC32C"))) {
            byte[] data = pattern(4096);
            byte[] cdb = Bed.cdb(FakeTarget.WRITE_10, 0, 16);
            IscsiPdu running = initiator.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0));
            initiator.send(running);
            IscsiPdu twice = initiator.command(WRITE, 0, 8192, cdb).u32(16, running.u32(16));
            sendDamaged(initiator, twice.data(data));
            assertThat(initiator.receive().u8(2)).isEqualTo(0x07);
            IscsiPdu over = initiator.command(WRITE, 0, 8192, cdb);
            int asked = initiator.exchange(over).u32(20);
            assertThat(abort(initiator, over.u32(16))).isZero();
            sendDamaged(initiator, initiator.dataOut(over, asked, 0, 0, data, false));
            IscsiPdu outside = initiator.command(WRITE, 0, 8192, cdb);
            outside.u32(24, outside.u32(24) + 2 * Session.WINDOW);
            sendDamaged(initiator, outside.data(data));
            assertThat(initiator.exchange(initiator.request(0x40, 0x80)).opcode()).isEqualTo(0x20);
        }
        bed.awaitNoSession();
        assertThat(counted("digest_errors_total")).isEqualTo(3);
        assertThat(counted("rejects_total")).isEqualTo(1);
    }

    private long counted(String name) {
        List<String> names = SessionTotals.COUNTS.stream().map(SessionTotals.Count::name).toList();
        return bed.node.totals().total(names.indexOf(name));
    }

    /** Returns the bytes that were sent. */
    private static byte[] sendDamaged(IscsiInitiator initiator, IscsiPdu pdu) throws IOException {
        byte[] bytes = initiator.encode(pdu);
        bytes[bytes.length / 2] ^= 0x10;
        initiator.socket().getOutputStream().write(bytes);
        return bytes;
    }

    private static void rejectsDamaged(IscsiInitiator initiator, IscsiPdu pdu) throws IOException {
        byte[] bytes = sendDamaged(initiator, pdu);
        IscsiPdu answer = initiator.receive();
        assertThat(answer.opcode()).isEqualTo(0x3F);
        assertThat(answer.u8(2)).isEqualTo(Pdu.REASON_DATA_DIGEST);
        assertThat(answer.data()).isEqualTo(Arrays.copyOf(bytes, Pdu.BHS));
    }

    /** CHECK CONDITION: ABORTED COMMAND, PROTOCOL SERVICE CRC ERROR. */
    private static void isSpoiled(IscsiPdu response, IscsiPdu command) {
        assertThat(response.opcode()).isEqualTo(0x21);
        assertThat(response.u32(16)).isEqualTo(command.u32(16));
        assertThat(response.flags()).isEqualTo(0x80);
        assertThat(response.u8(3)).isEqualTo(2);
        assertThat(response.data()).hasSize(20).startsWith(0, 18, 0x70, 0, 0x0B);
        assertThat(Arrays.copyOfRange(response.data(), 14, 16)).containsExactly(0x47, 5);
    }

    @Test
    void residualsTellWhatWasAnnouncedAndNotTransferred() throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            byte[] twoBlocks = Bed.cdb(FakeTarget.READ_10, 0, 2);
            IscsiPdu under = initiator.exchange(initiator.command(READ, 0, 2048, twoBlocks));
            assertThat(under.data()).hasSize(1024);
            assertThat(under.flags()).isEqualTo(0x83);
            assertThat(under.u32(44)).isEqualTo(1024);
            IscsiPdu over = initiator.exchange(initiator.command(READ, 0, 512, twoBlocks));
            assertThat(over.data()).hasSize(512);
            assertThat(over.flags()).isEqualTo(0x85);
            assertThat(over.u32(44)).isEqualTo(512);
            IscsiPdu none = initiator.exchange(initiator.command(0x81, 0, 0, twoBlocks));
            assertThat(none.opcode()).isEqualTo(0x21);
            assertThat(none.flags()).isEqualTo(0x84);
            assertThat(none.u32(44)).isEqualTo(1024);
        }
    }

    @Test
    void senseDataComeWithTheirLength() throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            IscsiPdu response =
                    initiator.exchange(initiator.command(0x81, 0, 0, Bed.cdb(0xDD, 0, 0)));
            assertThat(response.u8(3)).isEqualTo(2);
            assertThat(response.data()).hasSize(20).startsWith(0, 18, 0x70, 0, 5);
        }
    }

    @Test
    void pingsAreAnsweredWithTheirData() throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            byte[] data = pattern(1001);
            IscsiPdu answer = initiator.exchange(initiator.request(0x40, 0x80).data(data));
            assertThat(answer.opcode()).isEqualTo(0x20);
            assertThat(answer.data()).isEqualTo(data);
            assertThat(answer.u32(20)).isEqualTo(IscsiPdu.NO_TAG);
            assertThat(initiator.exchange(initiator.request(0x00, 0x80)).opcode()).isEqualTo(0x20);
        }
    }

    @Test
    void aTaskIsAbortedWhereverItIs() throws IOException {
        try (IscsiInitiator initiator = bed.session(Map.of("ImmediateData", "No"))) {
            IscsiPdu running = initiator.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0));
            initiator.send(running);
            assertThat(abort(initiator, running.u32(16))).isZero();
            IscsiPdu collecting =
                    initiator.command(WRITE, 0, 4096, Bed.cdb(FakeTarget.WRITE_10, 0, 8));
            IscsiPdu r2t = initiator.exchange(collecting);
            assertThat(r2t.opcode()).isEqualTo(0x31);
            assertThat(abort(initiator, collecting.u32(16))).isZero();
            // What was asked for before is dropped without a word.
            initiator.send(initiator.dataOut(collecting, r2t.u32(20), 0, 0, new byte[4096], true));
            assertThat(abort(initiator, collecting.u32(16))).isEqualTo(1);
            assertThat(initiator.exchange(initiator.request(0x40, 0x80)).opcode()).isEqualTo(0x20);
        }
    }

    private static int abort(IscsiInitiator initiator, int tag) throws IOException {
        IscsiPdu answer = initiator.exchange(initiator.request(0x42, 0x81).u32(20, tag));
        assertThat(answer.opcode()).isEqualTo(0x22);
        return answer.u8(2);
    }

    @Test
    void aLogoutAbortsWhatIsRunningAndClosesTheConnection() throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            initiator.send(initiator.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0)));
            IscsiPdu answer = initiator.exchange(initiator.request(0x46, 0x80));
            assertThat(answer.opcode()).isEqualTo(0x26);
            assertThat(answer.u8(2)).isZero();
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
    }

    @Test
    void aNewLoginOfTheSameInitiatorPortTakesTheSessionOver() throws IOException {
        try (IscsiInitiator first = bed.session(PLAIN)) {
            first.send(first.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0)));
            try (IscsiInitiator second = bed.session(PLAIN)) {
                assertThat(first.isClosedByTarget()).isTrue();
                assertThat(read(second, 0, 1, 65536, 1 << 20)).hasSize(512);
                assertThat(bed.device.opened).hasSize(2);
            }
        }
    }

    @Test
    void sessionsOfOtherInitiatorPortsLiveSideBySide() throws IOException {
        try (IscsiInitiator first = bed.session(PLAIN);
                IscsiInitiator second = bed.connect().isid(0x00_02_3d_00_00_02L)) {
            assertThat(second.login(Bed.TARGET, PLAIN).u16(36)).isZero();
            assertThat(read(first, 0, 1, 65536, 1 << 20)).hasSize(512);
            assertThat(read(second, 0, 1, 65536, 1 << 20)).hasSize(512);
        }
    }

    @Test
    void commandsBeyondTheWindowAreIgnored() throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            for (int i = 0; i < Session.WINDOW; i++) {
                initiator.send(initiator.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0)));
            }
            IscsiPdu ping = initiator.exchange(initiator.request(0x40, 0x80));
            assertThat(ping.u32(32)).isEqualTo(ping.u32(28) - 1);
            initiator.send(initiator.command(READ, 0, 512, Bed.cdb(FakeTarget.READ_10, 0, 1)));
            assertThat(initiator.exchange(initiator.request(0x40, 0x80)).opcode()).isEqualTo(0x20);
        }
    }

    @Test
    void sendTargetsInASessionTellsOfItsOwnTarget() throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            var own = initiator.exchange(sendTargets(initiator, ""));
            assertThat(own.opcode()).isEqualTo(0x24);
            assertThat(own.text())
                    .containsEntry("TargetName", Bed.TARGET)
                    .containsEntry("TargetAddress", Portal.format(bed.portal.address()) + ",1");
            assertThat(initiator.exchange(sendTargets(initiator, "All")).text())
                    .containsEntry("SendTargets", "Reject");
        }
    }

    @Test
    void discoveryFindsWhatTheInitiatorMayLogInTo() throws IOException {
        try (IscsiInitiator initiator = bed.connect()) {
            assertThat(initiator.login("", Map.of()).u16(36)).isZero();
            assertThat(initiator.exchange(sendTargets(initiator, "All")).text())
                    .containsEntry("TargetName", Bed.TARGET);
            assertThat(initiator.exchange(sendTargets(initiator, Bed.TARGET)).text())
                    .containsEntry("TargetName", Bed.TARGET);
            assertThat(initiator.exchange(sendTargets(initiator, "iqn.2026-11.other:x")).text())
                    .isEmpty();
            assertThat(initiator.exchange(initiator.command(0x81, 0, 0, new byte[16])).opcode())
                    .isEqualTo(0x3F);
            assertThat(initiator.exchange(initiator.request(0x46, 0x80)).opcode()).isEqualTo(0x26);
        }
        try (IscsiInitiator stranger =
                new IscsiInitiator(bed.portal.address(), "iqn.2026-11.io.vireo:stranger")) {
            stranger.login("", Map.of());
            assertThat(stranger.exchange(sendTargets(stranger, "All")).text()).isEmpty();
        }
    }

    private static IscsiPdu sendTargets(IscsiInitiator initiator, String which) {
        return initiator.request(0x04, 0x80).text(Map.of("SendTargets", which));
    }

    @Test
    void longAnswersComeInPieces() throws IOException {
        try (IscsiInitiator initiator = bed.session(Map.of("MaxRecvDataSegmentLength", "512"))) {
            var keys = new java.util.LinkedHashMap<String, String>();
            for (int i = 0; i < 40; i++) {
                keys.put("X-io.vireo.test" + i, "1");
            }
            IscsiPdu piece = initiator.exchange(initiator.request(0x04, 0x80).text(keys));
            var all = new java.io.ByteArrayOutputStream();
            int pieces = 1;
            while ((piece.flags() & 0x40) != 0) {
                all.writeBytes(piece.data());
                IscsiPdu next =
                        initiator.request(0x04, 0x80).u32(16, piece.u32(16)).u32(20, piece.u32(20));
                piece = initiator.exchange(next);
                pieces++;
            }
            all.writeBytes(piece.data());
            assertThat(piece.flags()).isEqualTo(0x80);
            assertThat(pieces).isGreaterThan(2);
            assertThat(new IscsiPdu(0x24, 0).data(all.toByteArray()).text())
                    .hasSize(40)
                    .containsEntry("X-io.vireo.test39", "NotUnderstood");
        }
    }

    @Test
    void changedUnitsAreAnnounced() throws Exception {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            read(initiator, 0, 1, 65536, 1 << 20);
            var listener = bed.device.listeners.getFirst();
            bed.reactors
                    .data()
                    .getFirst()
                    .execute(() -> {
                        listener.unitAdded(1L << 48);
                        listener.settled();
                    });
            IscsiPdu event = initiator.receive();
            assertThat(event.opcode()).isEqualTo(0x32);
            assertThat(event.u64(8)).isEqualTo(1L << 48);
            assertThat(event.data()).hasSize(20);
            assertThat(event.data()[14]).isEqualTo((byte) 0x3F);
        }
    }

    @Test
    void whoIsNotAdmittedAnyMoreIsToldAndGone() throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            read(initiator, 0, 1, 65536, 1 << 20);
            bed.node.policy(
                    new TargetNode.Policy(
                            java.util.Set.of(), Authentication.NONE, java.util.Optional.empty()));
            IscsiPdu event = initiator.receive();
            assertThat(event.opcode()).isEqualTo(0x32);
            assertThat(event.u8(36)).isEqualTo(3);
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
    }

    @Test
    void aLinkThatIsDownEndsSessionsAndLetsNobodyIn() throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            read(initiator, 0, 1, 65536, 1 << 20);
            bed.device.linkDown();
            IscsiPdu event = initiator.receive();
            assertThat(event.opcode()).isEqualTo(0x32);
            assertThat(event.u8(36)).isEqualTo(3);
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
        try (IscsiInitiator late = bed.connect()) {
            assertThat(late.login(Bed.TARGET, PLAIN).u16(36)).isEqualTo(0x0301);
        }
    }

    @Test
    void descriptorsAreGivenBack() throws Exception {
        bed.session(PLAIN).close();
        bed.awaitNoSession();
        int before = OpenFiles.count();
        for (int i = 0; i < 20; i++) {
            try (IscsiInitiator initiator = bed.session(PLAIN)) {
                initiator.send(initiator.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0)));
            }
        }
        bed.awaitNoSession();
        Eventually.until("descriptors are closed", () -> OpenFiles.count() <= before);
    }

    @Test
    void sessionsAreDescribed() throws Exception {
        try (IscsiInitiator initiator = bed.session(Map.of("HeaderDigest", "CRC32C"))) {
            // An answer of the session: it has begun.
            initiator.exchange(initiator.request(0x40, 0x80));
            assertThat(bed.node.sessions().values())
                    .singleElement()
                    .asString()
                    .startsWith(Bed.INITIATOR + ",i,0x")
                    .contains(" by portal, header digest CRC32C, data digest None, since 20")
                    .endsWith(", 0 commands outstanding");
        }
        bed.awaitNoSession();
        assertThat(bed.node.sessions()).isEmpty();
    }
}
