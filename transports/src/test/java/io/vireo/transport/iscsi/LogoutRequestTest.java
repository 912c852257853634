package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.resource.ResourceException;
import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An operator has initiators log out (RFC 7143, 11.9). */
class LogoutRequestTest {
    private static final int NOP_OUT = 0x40;
    private static final int NOP_IN = 0x20;
    private static final int ASYNC_MESSAGE = 0x32;
    private static final int CID = 1;

    private final Bed bed = new Bed();

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        bed.awaitNoSession();
        assertThat(bed.isPoolWhole()).isTrue();
        bed.close();
    }

    /** A session that has begun: an answer of it has come. */
    private IscsiInitiator session(long isid) throws IOException {
        IscsiInitiator initiator = bed.connect().isid(isid);
        assertThat(initiator.login(Bed.TARGET, Map.of()).u16(36)).isZero();
        ping(initiator);
        return initiator;
    }

    private static void ping(IscsiInitiator initiator) throws IOException {
        assertThat(initiator.exchange(initiator.request(NOP_OUT, 0x80)).opcode()).isEqualTo(NOP_IN);
    }

    private List<Integer> ask(String... parameters) {
        var given = new java.util.HashMap<String, String>();
        for (int i = 0; i < parameters.length; i += 2) {
            given.put(parameters[i], parameters[i + 1]);
        }
        LogoutRequest request = LogoutRequest.parse(given);
        return bed.node.requestLogout(request::concerns, request.seconds());
    }

    private static void assertAsked(IscsiInitiator initiator, int seconds) throws IOException {
        IscsiPdu event = initiator.receive();
        assertThat(event.opcode()).isEqualTo(ASYNC_MESSAGE);
        assertThat(event.u32(16)).isEqualTo(IscsiPdu.NO_TAG);
        assertThat(event.u8(36)).isEqualTo(1);
        assertThat(new int[] {event.u16(38), event.u16(40), event.u16(42)})
                .containsExactly(0, 0, seconds);
    }

    @Test
    void whoIsAskedToLogOutIsServedUntilItDoes() throws IOException {
        try (IscsiInitiator initiator = session(1)) {
            assertThat(ask("timeout", "3600")).hasSize(1);
            assertAsked(initiator, 3600);
            assertThat(bed.node.sessions().values())
                    .singleElement()
                    .asString()
                    .endsWith(", asked to log out");
            byte[] cdb = Bed.cdb(FakeTarget.READ_10, 0, 1);
            IscsiPdu read = initiator.exchange(initiator.command(0xC1, 0, 512, cdb));
            assertThat(read.data()).isEqualTo(Arrays.copyOf(bed.device.blocks, 512));
            // Of this connection: "close the connection" ends a session that has one.
            IscsiPdu logout = initiator.exchange(initiator.request(0x46, 0x81).u16(20, CID));
            assertThat(logout.opcode()).isEqualTo(0x26);
            assertThat(logout.u8(2)).isZero();
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
    }

    @Test
    void whoDoesNotLogOutInTimeIsDropped() throws IOException {
        try (IscsiInitiator initiator = session(1)) {
            initiator.send(initiator.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0)));
            assertThat(ask("timeout", "3600")).hasSize(1);
            assertAsked(initiator, 3600);
            // The later word counts.
            assertThat(ask("timeout", "1")).hasSize(1);
            assertAsked(initiator, 1);
            IscsiPdu drop = initiator.receive();
            assertThat(drop.opcode()).isEqualTo(ASYNC_MESSAGE);
            assertThat(drop.u8(36)).isEqualTo(2);
            assertThat(drop.u16(38)).isEqualTo(CID);
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
    }

    @Test
    void onlyThoseThatAreMeantAreAsked() throws IOException {
        try (IscsiInitiator first = session(1);
                IscsiInitiator second = session(2)) {
            assertThat(bed.node.sessions()).hasSize(2);
            assertThat(ask("initiator", "iqn.2026-11.io.vireo:other")).isEmpty();
            assertThat(ask("portal", "other")).isEmpty();
            int last = bed.node.sessions().lastKey();
            assertThat(ask("session", Integer.toString(last + 1))).isEmpty();
            assertThat(ask("session", Integer.toString(last), "portal", "portal"))
                    .containsExactly(last);
            assertAsked(second, 10);
            ping(first);
            assertThat(ask("initiator", Bed.INITIATOR.toUpperCase(java.util.Locale.ROOT)))
                    .containsExactlyElementsOf(bed.node.sessions().keySet());
            assertAsked(first, 10);
            assertAsked(second, 10);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "session,0",
        "session,65536",
        "session,x",
        "session,''",
        "timeout,0",
        "timeout,3601",
        "timeout,-1",
        "timeout,123456"
    })
    void numbersOutOfRangeAreRefused(String name, String value) {
        assertThatThrownBy(() -> LogoutRequest.parse(Map.of(name, value)))
                .isInstanceOf(ResourceException.class)
                .hasMessageStartingWith(name + " must be a number from 1 to ");
    }
}
