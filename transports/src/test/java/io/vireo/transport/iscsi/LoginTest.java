package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Logins, right and wrong, over sockets. */
class LoginTest {
    private static final Authentication CHAP =
            new Authentication(Optional.of(Bed.USER), Optional.of(Bed.OURS));

    private Bed bed = new Bed();

    @AfterEach
    void close() throws Exception {
        bed.close();
    }

    private void withChap() throws Exception {
        bed.close();
        bed = new Bed(CHAP, 16 << 20);
    }

    private static int status(IscsiPdu response) {
        assertThat(response.opcode()).isEqualTo(0x23);
        return response.u16(36);
    }

    /** The status of the answer to one request, whose connection is closed if it is an error. */
    private int answer(IscsiInitiator initiator, IscsiPdu request) throws IOException {
        int status = status(initiator.exchange(request));
        if (status != 0) {
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
        return status;
    }

    private static Map<String, String> with(Map<String, String> keys, String... more) {
        var all = new LinkedHashMap<>(keys);
        for (int i = 0; i < more.length; i += 2) {
            all.put(more[i], more[i + 1]);
        }
        return all;
    }

    @Test
    void aLoginIsThroughTwoStagesOrOne() throws IOException {
        try (IscsiInitiator initiator = bed.connect()) {
            IscsiPdu first =
                    initiator.exchange(
                            initiator.loginRequest(
                                    0,
                                    1,
                                    with(initiator.identity(Bed.TARGET), "AuthMethod", "None")));
            assertThat(first.flags()).isEqualTo(0x81);
            assertThat(first.text())
                    .containsEntry("AuthMethod", "None")
                    .containsEntry("TargetPortalGroupTag", "1");
            IscsiPdu second = initiator.negotiate(Map.of("MaxConnections", "4"));
            assertThat(second.flags()).isEqualTo(0x87);
            assertThat(second.u16(14)).isNotZero();
            assertThat(second.text())
                    .containsEntry("MaxConnections", "1")
                    .containsEntry("MaxRecvDataSegmentLength", "262144");
        }
        try (IscsiInitiator initiator = bed.connect()) {
            IscsiPdu only =
                    initiator.exchange(
                            initiator.loginRequest(1, 3, initiator.identity(Bed.TARGET)));
            assertThat(only.flags()).isEqualTo(0x87);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "::1",
                "fd00::1",
                "::",
                "2001:db8:0:1::2",
                "1:2:3:4:5:6:7:8",
                "1::",
                "1:0:2::3"
            })
    void addressesAreWrittenAsTheyAreRead(String literal) {
        var address = new InetSocketAddress(InetAddress.ofLiteral(literal), 3260);
        assertThat(Portal.format(address)).isEqualTo("[" + literal + "]:3260");
    }

    @Test
    void textsMayComeInPieces() throws IOException {
        try (IscsiInitiator initiator = bed.connect()) {
            IscsiPdu whole = initiator.loginRequest(1, 3, initiator.identity(Bed.TARGET));
            byte[] text = whole.data();
            IscsiPdu half = initiator.loginRequest(1, 1, Map.of()).u8(1, 0x44);
            IscsiPdu answer = initiator.exchange(half.data(java.util.Arrays.copyOf(text, 20)));
            assertThat(answer.data()).isEmpty();
            assertThat(answer.flags()).isEqualTo(0x04);
            whole.data(java.util.Arrays.copyOfRange(text, 20, text.length));
            assertThat(initiator.exchange(whole).flags()).isEqualTo(0x87);
        }
    }

    /** They learn nothing of the target, not even that there is one; the operator does. */
    @Test
    void strangersAreRefused() throws IOException {
        List<Long> there = refusalOfAStranger(Bed.TARGET);
        assertThat(bed.portal.trouble()).contains("stranger").contains("not among");
        List<Long> nowhere = refusalOfAStranger(Bed.TARGET + "0");
        assertThat(bed.portal.trouble()).contains("there is no target");
        assertThat(there).isEqualTo(nowhere);
        try (var initiator = bed.connect()) {
            var keys = initiator.identity("iqn.2026-11.io.vireo:nowhere");
            assertThat(answer(initiator, initiator.loginRequest(1, 3, keys))).isEqualTo(0x0203);
        }
    }

    private List<Long> refusalOfAStranger(String target) throws IOException {
        try (var stranger =
                new IscsiInitiator(bed.portal.address(), "iqn.2026-11.io.vireo:stranger")) {
            IscsiPdu answer =
                    stranger.exchange(stranger.loginRequest(1, 3, stranger.identity(target)));
            assertThat(status(answer)).isEqualTo(0x0203);
            assertThat(answer.data()).isEmpty();
            return IntStream.range(0, IscsiPdu.BHS / 8).mapToObj(i -> answer.u64(8 * i)).toList();
        }
    }

    private IscsiPdu begin(IscsiInitiator initiator) throws IOException {
        var keys = with(initiator.identity(Bed.TARGET), "AuthMethod", "None");
        IscsiPdu answer = initiator.exchange(initiator.loginRequest(0, 1, keys));
        assertThat(status(answer)).isZero();
        return initiator.loginRequest(1, 3, Map.of());
    }

    @Test
    void whoIsExpelledInTheMiddleOfALoginIsRefused() throws IOException {
        try (IscsiInitiator initiator = bed.connect()) {
            IscsiPdu last = begin(initiator);
            bed.node.policy(
                    new TargetNode.Policy(
                            Set.of("iqn.2026-11.io.vireo:another"),
                            Authentication.NONE,
                            Optional.empty()));
            assertThat(answer(initiator, last)).isEqualTo(0x0202);
        }
        assertThat(bed.device.open).isEmpty();
    }

    @Test
    void aLoginDoesNotEndAtAnotherTargetOfTheName() throws Exception {
        try (IscsiInitiator initiator = bed.connect()) {
            IscsiPdu last = begin(initiator);
            bed.portal.remove(bed.node);
            var policy = new TargetNode.Policy(Set.of(Bed.INITIATOR), CHAP, Optional.empty());
            var another =
                    new TargetNode(
                            bed.transport,
                            Bed.TARGET,
                            bed.device,
                            List.of(bed.portal),
                            policy,
                            () -> {});
            assertThat(bed.portal.add(another)).isTrue();
            assertThat(answer(initiator, last)).isEqualTo(0x0200);
            var closed = new CompletableFuture<Boolean>();
            another.close(() -> closed.complete(true));
            assertThat(closed.get()).isTrue();
        }
        assertThat(bed.device.open).isEmpty();
    }

    @Test
    void namesAreTheSameInUpperCase() throws IOException {
        try (var initiator =
                new IscsiInitiator(bed.portal.address(), "IQN.2026-11.io.vireo:Initiator")) {
            var keys = initiator.identity("iqn.2026-11.IO.vireo:target");
            assertThat(answer(initiator, initiator.loginRequest(1, 3, keys))).isZero();
        }
    }

    @Test
    void namesHaveUpTo223Bytes() throws Exception {
        String longest = "iqn.2026-11.io.vireo:" + "n".repeat(202);
        var policy = new TargetNode.Policy(Set.of(longest), Authentication.NONE, Optional.empty());
        var node =
                new TargetNode(
                        bed.transport, longest, bed.device, List.of(bed.portal), policy, () -> {});
        bed.portal.add(node);
        try (var initiator = new IscsiInitiator(bed.portal.address(), longest)) {
            var keys = initiator.identity(longest);
            assertThat(answer(initiator, initiator.loginRequest(1, 3, keys))).isZero();
            assertThat(
                            initiator
                                    .exchange(
                                            initiator
                                                    .request(0x04, 0x80)
                                                    .text(Map.of("SendTargets", "")))
                                    .text())
                    .containsEntry("TargetName", longest);
        }
        for (String target : new String[] {longest, ""}) {
            try (var initiator = new IscsiInitiator(bed.portal.address(), longest + "n")) {
                var keys = initiator.identity(target);
                assertThat(answer(initiator, initiator.loginRequest(1, 3, keys))).isEqualTo(0x0200);
            }
        }
        var closed = new CompletableFuture<Void>();
        node.close(() -> closed.complete(null));
        closed.get();
    }

    /** Of whomever it is: a session has one connection, and is not continued by another one. */
    @Test
    void aSessionIsNotTakenOverByItsHandle() throws IOException {
        try (IscsiInitiator victim = bed.connect()) {
            IscsiPdu response =
                    victim.exchange(victim.loginRequest(1, 3, victim.identity(Bed.TARGET)));
            int tsih = response.u16(14);
            assertThat(tsih).isNotZero();
            refused(0x020A, i -> i.loginRequest(1, 3, identity(i)).u16(14, tsih));
            refused(0x020A, i -> i.isid(77).loginRequest(1, 3, identity(i)).u16(14, tsih));
            assertThat(victim.exchange(victim.request(0x40, 0x80)).opcode()).isEqualTo(0x20);
        }
    }

    @Test
    void aTargetThatHasMovedSaysWhere() throws IOException {
        bed.node.policy(
                new TargetNode.Policy(
                        Set.of(Bed.INITIATOR), Authentication.NONE, Optional.of("192.0.2.7:3260")));
        try (IscsiInitiator initiator = bed.connect()) {
            IscsiPdu response =
                    initiator.exchange(
                            initiator.loginRequest(1, 3, initiator.identity(Bed.TARGET)));
            assertThat(status(response)).isEqualTo(0x0101);
            assertThat(response.text()).containsEntry("TargetAddress", "192.0.2.7:3260");
        }
    }

    @Test
    void whatBreaksTheRulesOfALoginIsRefused() throws IOException {
        refused(0x0207, i -> i.loginRequest(1, 3, Map.of("InitiatorName", Bed.INITIATOR)));
        refused(0x0207, i -> i.loginRequest(1, 3, Map.of()));
        refused(0x0209, i -> i.loginRequest(1, 3, with(identity(i), "SessionType", "Strange")));
        refused(0x0205, i -> i.loginRequest(1, 3, identity(i)).u8(3, 1));
        refused(0x020A, i -> i.loginRequest(1, 3, identity(i)).u16(14, 77));
        refused(0x020B, i -> i.loginRequest(1, 3, identity(i)).u8(0, 0x03));
        // Stages: backwards, the same, the reserved one, beyond the end.
        refused(0x020B, i -> i.loginRequest(1, 3, identity(i)).u8(1, 0x84));
        refused(0x020B, i -> i.loginRequest(1, 3, identity(i)).u8(1, 0x85));
        refused(0x020B, i -> i.loginRequest(0, 1, identity(i)).u8(1, 0x82));
        refused(0x020B, i -> i.loginRequest(1, 3, identity(i)).u8(1, 0x8F));
        refused(0x020B, i -> i.loginRequest(1, 3, identity(i)).u8(1, 0xC7));
        refused(0x020B, i -> i.loginRequest(0, 1, with(identity(i), "MaxBurstLength", "512")));
        refused(0x0201, i -> i.loginRequest(0, 1, with(identity(i), "CHAP_A", "5")));
        refused(0x0201, i -> i.loginRequest(0, 1, with(identity(i), "AuthMethod", "KRB5,SRP")));
        refused(0x0200, i -> i.loginRequest(1, 3, with(identity(i), "InitiatorName", "x y")));
        refused(0x0200, i -> i.loginRequest(1, 3, identity(i)).data(new byte[] {'A', '=', 'b'}));
        refused(0x0200, i -> i.loginRequest(1, 3, identity(i)).data(text("NoEquals\0")));
        refused(0x0200, i -> i.loginRequest(1, 3, identity(i)).data(text("A=b\0".repeat(2000))));
        refused(
                0x0200,
                i ->
                        i.loginRequest(1, 3, identity(i))
                                .data(text("InitialR2T=No\0InitialR2T=Yes\0")));
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Map<String, String> identity(IscsiInitiator initiator) {
        return initiator.identity(Bed.TARGET);
    }

    private interface Request {
        IscsiPdu of(IscsiInitiator initiator);
    }

    private void refused(int status, Request request) throws IOException {
        try (IscsiInitiator initiator = bed.connect()) {
            assertThat(answer(initiator, request.of(initiator))).isEqualTo(status);
        }
    }

    @Test
    void aLoginThatNeverEndsIsEnded() throws IOException {
        try (IscsiInitiator initiator = bed.connect()) {
            IscsiPdu piece = initiator.loginRequest(1, 1, Map.of()).u8(1, 0x44);
            piece.data(new byte[8192]);
            int status = 0;
            for (int i = 0; i < 100 && status == 0; i++) {
                status = status(initiator.exchange(piece));
            }
            assertThat(status).isEqualTo(0x0302);
        }
    }

    @Test
    void garbageIsDropped() throws IOException {
        try (IscsiInitiator initiator = bed.connect()) {
            initiator
                    .socket()
                    .getOutputStream()
                    .write("GET / HTTP/1.1\r\n\r\n".repeat(10).getBytes(StandardCharsets.UTF_8));
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
        try (IscsiInitiator initiator = bed.connect()) {
            initiator.send(initiator.request(0x40, 0x80));
            assertThat(initiator.receive().u16(36)).isEqualTo(0x020B);
        }
        try (IscsiInitiator initiator = bed.connect()) {
            initiator.send(initiator.loginRequest(1, 3, identity(initiator)).announced(0xFFFFFF));
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
    }

    // CHAP.

    private static Map<String, String> response(IscsiPdu offer, String secret) {
        Map<String, String> keys = offer.text();
        byte[] response =
                ChapAlgorithm.SHA_256.response(
                        Integer.parseInt(keys.getOrDefault("CHAP_I", "")),
                        secret.getBytes(StandardCharsets.UTF_8),
                        HexFormat.of().parseHex(keys.getOrDefault("CHAP_C", "").substring(2)));
        return Map.of("CHAP_N", "user", "CHAP_R", NumericValue.hex(response));
    }

    private static IscsiPdu challenge(IscsiInitiator initiator, String target) throws IOException {
        var first = with(initiator.identity(target), "AuthMethod", "None,CHAP");
        IscsiPdu method = initiator.exchange(initiator.loginRequest(0, 1, first));
        assertThat(method.text()).containsEntry("AuthMethod", "CHAP");
        assertThat(method.flags()).isZero();
        return initiator.exchange(initiator.loginRequest(0, 0, Map.of("CHAP_A", "7,5")));
    }

    @Test
    void whoKnowsTheSecretMayLogIn() throws Exception {
        withChap();
        try (IscsiInitiator initiator = bed.connect()) {
            IscsiPdu offer = challenge(initiator, Bed.TARGET);
            IscsiPdu proven =
                    initiator.exchange(
                            initiator.loginRequest(0, 1, response(offer, "initiators-secret")));
            assertThat(proven.flags()).isEqualTo(0x81);
            assertThat(initiator.negotiate(Map.of()).flags()).isEqualTo(0x87);
        }
        try (IscsiInitiator initiator = bed.connect()) {
            IscsiPdu offer = challenge(initiator, "");
            assertThat(
                            answer(
                                    initiator,
                                    initiator.loginRequest(
                                            0, 1, response(offer, "initiators-secret"))))
                    .isZero();
        }
    }

    @Test
    void whoDoesNotIsRefused() throws Exception {
        withChap();
        try (IscsiInitiator initiator = bed.connect()) {
            IscsiPdu offer = challenge(initiator, Bed.TARGET);
            var wrong = response(offer, "the-targets-secret");
            assertThat(answer(initiator, initiator.loginRequest(0, 1, wrong))).isEqualTo(0x0201);
        }
        refused(0x0201, i -> i.loginRequest(1, 3, identity(i)));
        refused(0x0201, i -> i.loginRequest(0, 3, identity(i)));
        refused(0x0201, i -> i.loginRequest(0, 1, with(identity(i), "AuthMethod", "None")));
        refused(0x0201, i -> i.loginRequest(1, 3, i.identity("")));
        assertThat(bed.portal.trouble()).doesNotContain("secret=");
        assertThat(bed.device.opened).isEmpty();
    }
}
