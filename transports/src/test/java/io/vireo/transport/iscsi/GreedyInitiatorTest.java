package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Initiators that break no rule and take all there is: others are served all the same. */
@Timeout(60)
class GreedyInitiatorTest {
    private static final int WRITE = 0xA1;
    private static final int READ = 0xC1;
    private static final int R2T = 0x31;
    private static final int REJECT = 0x3F;
    private static final int MANAGEMENT_RESPONSE = 0x22;
    private static final int NOP_IN = 0x20;

    private static final int LOGINS = 128;
    private static final String OTHER = "iqn.2026-11.io.vireo:other";

    private static final Patience SHORT =
            new Patience(
                    TimeUnit.MILLISECONDS.toNanos(50),
                    TimeUnit.MINUTES.toNanos(10),
                    TimeUnit.SECONDS.toNanos(1));

    private final Bed bed = new Bed(Authentication.NONE, 16 << 20, SHORT);

    @AfterEach
    void nothingIsLost() throws Exception {
        bed.awaitNoSession();
        assertThat(bed.isPoolWhole()).isTrue();
        bed.close();
    }

    @Test
    void whoOnlyConnectsKeepsNobodyOut() throws IOException {
        var idle = new ArrayList<Socket>();
        try {
            for (int i = 0; i < 200; i++) {
                idle.add(connection());
            }
            try (IscsiInitiator other = bed.session(Map.of())) {
                isServed(other);
            }
            // The oldest had to go.
            assertThat(idle.getFirst().getInputStream().read()).isEqualTo(-1);
        } finally {
            for (Socket socket : idle) {
                socket.close();
            }
        }
    }

    /** The one has to go that was silent for longest, and not the one that came first. */
    @Test
    void whoGoesOnWithItsLoginStays() throws Exception {
        var idle = new ArrayList<Socket>();
        try (IscsiInitiator slow = bed.connect()) {
            while (bed.portal.accepts() < 1) {
                Thread.sleep(1);
            }
            for (int i = 1; i < LOGINS; i++) {
                idle.add(connection());
            }
            while (bed.portal.accepts() < LOGINS) {
                Thread.sleep(1);
            }
            slow.exchange(firstRequest(slow));
            idle.add(connection());
            assertThat(idle.getFirst().getInputStream().read()).isEqualTo(-1);
            assertThat(slow.negotiate(Map.of()).u16(36)).isZero();
            isServed(slow);
        } finally {
            for (Socket socket : idle) {
                socket.close();
            }
        }
    }

    /**
     * All sessions of two initiators are reinstated at once while the old ones take their time:
     * these logins are counted once each, none has to go, and who comes now finds no place.
     */
    @Test
    void loginsThatWaitForTheirOlderSessionsStay() throws Exception {
        bed.node.policy(
                new TargetNode.Policy(
                        Set.of(Bed.INITIATOR, OTHER), Authentication.NONE, Optional.empty()));
        var all = new ArrayList<IscsiInitiator>();
        try {
            for (int i = 0; i < LOGINS; i++) {
                IscsiInitiator older = numbered(i);
                all.add(older);
                assertThat(older.login(Bed.TARGET, Map.of()).u16(36)).isZero();
                isServed(older);
            }
            bed.device.holdsClosing = true;
            for (int i = 0; i < LOGINS; i++) {
                IscsiInitiator newer = numbered(i);
                all.add(newer);
                newer.exchange(firstRequest(newer));
                newer.send(newer.loginRequest(1, 3, Map.of()));
                assertThat(all.get(i).isClosedByTarget()).isTrue();
            }
            try (Socket beyond = connection()) {
                assertThat(beyond.getInputStream().read()).isEqualTo(-1);
            }
            bed.device.endClosing();
            for (IscsiInitiator newer : all.subList(LOGINS, 2 * LOGINS)) {
                assertThat(newer.receive().u16(36)).isZero();
                isServed(newer);
            }
        } finally {
            for (IscsiInitiator initiator : all) {
                initiator.close();
            }
        }
    }

    /** The first {@link TargetNode#MAX_OF_INITIATOR} are of one initiator. */
    private IscsiInitiator numbered(int number) throws IOException {
        String name = number < TargetNode.MAX_OF_INITIATOR ? Bed.INITIATOR : OTHER;
        return new IscsiInitiator(bed.portal.address(), name).isid(100 + number);
    }

    private static IscsiPdu firstRequest(IscsiInitiator initiator) {
        Map<String, String> keys = initiator.identity(Bed.TARGET);
        keys.put("AuthMethod", "None");
        return initiator.loginRequest(0, 1, keys);
    }

    private Socket connection() throws IOException {
        InetSocketAddress address = bed.portal.address();
        return new Socket(address.getAddress(), address.getPort());
    }

    @Test
    void whoKeepsDiscoveriesKeepsNobodyOut() throws IOException {
        var kept = new ArrayList<IscsiInitiator>();
        try {
            for (int i = 0; i < 64; i++) {
                kept.add(discovery());
            }
            finds(kept.getFirst());
            try (IscsiInitiator other = discovery()) {
                finds(other);
            }
            // The one had to go that had not been heard of for longest.
            assertThat(kept.get(1).isClosedByTarget()).isTrue();
            finds(kept.getFirst());
        } finally {
            for (IscsiInitiator initiator : kept) {
                initiator.close();
            }
        }
    }

    @Test
    void oneInitiatorLeavesSessionsToOthers() throws IOException {
        bed.node.policy(
                new TargetNode.Policy(
                        Set.of(Bed.INITIATOR, OTHER), Authentication.NONE, Optional.empty()));
        var taken = new ArrayList<IscsiInitiator>();
        try {
            for (int i = 0; i < TargetNode.MAX_OF_INITIATOR; i++) {
                taken.add(bed.connect().isid(100 + i));
                assertThat(taken.getLast().login(Bed.TARGET, Map.of()).u16(36)).isZero();
            }
            try (IscsiInitiator more = bed.connect().isid(99);
                    IscsiInitiator again = bed.connect().isid(100);
                    var other = new IscsiInitiator(bed.portal.address(), OTHER)) {
                assertThat(more.login(Bed.TARGET, Map.of()).u16(36))
                        .isEqualTo(LoginException.OUT_OF_RESOURCES);
                assertThat(again.login(Bed.TARGET, Map.of()).u16(36)).isZero();
                assertThat(other.login(Bed.TARGET, Map.of()).u16(36)).isZero();
            }
        } finally {
            for (IscsiInitiator initiator : taken) {
                initiator.close();
            }
        }
    }

    /** Many at once of one initiator port: each comes to an end, and the last one is served. */
    @Test
    void loginsOfOneInitiatorPortAtOnce() throws Exception {
        var threads = new ArrayList<Thread>();
        var stuck = new AtomicInteger();
        for (int i = 0; i < 8; i++) {
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int round = 0; round < 20; round++) {
                                    try (IscsiInitiator one = bed.connect()) {
                                        one.login(Bed.TARGET, Map.of());
                                    } catch (SocketTimeoutException e) {
                                        stuck.incrementAndGet();
                                    } catch (IOException replaced) {
                                        // By one of the others.
                                    }
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(stuck).hasValue(0);
        try (IscsiInitiator last = bed.session(Map.of())) {
            isServed(last);
            assertThat(bed.device.open).hasSize(1);
        }
    }

    private IscsiInitiator discovery() throws IOException {
        IscsiInitiator initiator = bed.connect();
        assertThat(initiator.login("", Map.of()).u16(36)).isZero();
        return initiator;
    }

    private static void finds(IscsiInitiator initiator) throws IOException {
        IscsiPdu asked = initiator.request(0x04, 0x80).text(Map.of("SendTargets", "All"));
        assertThat(initiator.exchange(asked).text()).containsEntry("TargetName", Bed.TARGET);
    }

    private static void isServed(IscsiInitiator initiator) throws IOException {
        assertThat(initiator.exchange(initiator.request(0x40, 0x80)).opcode()).isEqualTo(NOP_IN);
    }

    @Test
    void soManyFunctionsAreUnderWayAndNoMore() throws IOException {
        bed.device.holdsFunctions = true;
        try (IscsiInitiator initiator = bed.session(Map.of())) {
            for (int opcode : new int[] {0x42, 0x02}) {
                for (int i = 0; i < Session.IMMEDIATE_ROOM; i++) {
                    initiator.send(initiator.request(0x42, 0x85));
                }
                IscsiPdu beyond = initiator.exchange(initiator.request(opcode, 0x85));
                assertThat(beyond.opcode()).isEqualTo(REJECT);
                assertThat(beyond.u8(2))
                        .isEqualTo(
                                opcode == 0x42
                                        ? Pdu.REASON_IMMEDIATE
                                        : Pdu.REASON_OUT_OF_RESOURCES);
                bed.device.endFunctions();
                for (int i = 0; i < Session.IMMEDIATE_ROOM; i++) {
                    assertThat(initiator.receive().opcode()).isEqualTo(MANAGEMENT_RESPONSE);
                }
            }
            isServed(initiator);
        }
    }

    /** It says something all the time, which is no sign that it reads. */
    @Test
    void whoDoesNotReadLosesItsSession() throws Exception {
        try (IscsiInitiator initiator = bed.session(Map.of())) {
            byte[] cdb = Bed.cdb(FakeTarget.READ_10, 0, 4096);
            for (int i = 0; i < 32; i++) {
                initiator.send(initiator.command(READ, 0, 4096 * FakeTarget.BLOCK, cdb));
            }
            IscsiPdu word = initiator.request(0x40, 0x80).u32(16, IscsiPdu.NO_TAG);
            while (!bed.node.isIdle()) {
                say(initiator, word);
                Thread.sleep(20);
            }
        }
    }

    /** Data that trickle keep a session only as long as nobody waits for its memory. */
    @Test
    void whoKeepsMemoryThatOthersWaitForLosesItsSession() throws Exception {
        Map<String, String> parameters = Map.of("InitialR2T", "Yes", "ImmediateData", "No");
        var greedy = new ArrayList<IscsiInitiator>();
        var trickles = new ArrayList<IscsiPdu>();
        try (IscsiInitiator other = bed.session(parameters)) {
            for (int i = 0; i < 3; i++) {
                IscsiInitiator one = bed.connect().isid(100 + i);
                greedy.add(one);
                assertThat(one.login(Bed.TARGET, parameters).u16(36)).isZero();
                IscsiPdu command = write(one);
                IscsiPdu r2t = one.exchange(command);
                assertThat(r2t.opcode()).isEqualTo(R2T);
                trickles.add(one.dataOut(command, r2t.u32(20), 0, 0, new byte[0], false));
            }
            other.send(write(other));
            for (int sn = 0; other.socket().getInputStream().available() == 0; sn++) {
                for (int i = 0; i < greedy.size(); i++) {
                    say(greedy.get(i), trickles.get(i).u32(36, sn));
                }
                Thread.sleep(20);
            }
            assertThat(other.receive().opcode()).isEqualTo(R2T);
        } finally {
            for (IscsiInitiator one : greedy) {
                one.close();
            }
        }
    }

    private static IscsiPdu write(IscsiInitiator initiator) {
        return initiator.command(WRITE, 0, 4 << 20, Bed.cdb(FakeTarget.WRITE_10, 0, 8192));
    }

    private static void say(IscsiInitiator initiator, IscsiPdu pdu) {
        try {
            initiator.send(pdu);
        } catch (IOException ended) {
            // The session is over, as it should be.
        }
    }
}
