package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Logouts for each reason of RFC 7143, 11.14.1, of this connection and of others. */
class LogoutTest {
    private static final int LOGOUT = 0x46;
    private static final int CID = 1;
    private static final int OTHER_CID = 2;
    private static final int NOP_IN = 0x20;

    private final Bed bed = new Bed();

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        bed.awaitNoSession();
        bed.close();
    }

    private static IscsiPdu logOut(IscsiInitiator initiator, int reason, int cid)
            throws IOException {
        return initiator.exchange(initiator.request(LOGOUT, 0x80 | reason).u16(20, cid));
    }

    private static void assertServed(IscsiInitiator initiator) throws IOException {
        assertThat(initiator.exchange(initiator.request(0x40, 0x80)).opcode()).isEqualTo(NOP_IN);
    }

    /** Close the session, whatever connection is named; close this connection, its only one. */
    @ParameterizedTest
    @CsvSource({"0, 1", "0, 2", "1, 1"})
    void aSessionEnds(int reason, int cid) throws IOException {
        try (IscsiInitiator initiator = bed.session(Map.of());
                IscsiInitiator discovery = bed.connect()) {
            assertThat(discovery.login("", Map.of()).u16(36)).isZero();
            for (IscsiInitiator each : new IscsiInitiator[] {initiator, discovery}) {
                IscsiPdu answer = logOut(each, reason, cid);
                assertThat(answer.opcode()).isEqualTo(0x26);
                assertThat(answer.u8(2)).isZero();
                assertThat(each.isClosedByTarget()).isTrue();
            }
        }
    }

    /** Another connection is not there, and none is kept for a recovery: error recovery level 0. */
    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2"})
    void aConnectionThatIsNotThereIsNotClosedAndNoneIsRecovered(int reason, int response)
            throws IOException {
        try (IscsiInitiator initiator = bed.session(Map.of());
                IscsiInitiator discovery = bed.connect()) {
            assertThat(discovery.login("", Map.of()).u16(36)).isZero();
            for (IscsiInitiator each : new IscsiInitiator[] {initiator, discovery}) {
                IscsiPdu answer = logOut(each, reason, OTHER_CID);
                assertThat(answer.opcode()).isEqualTo(0x26);
                assertThat(answer.u8(2)).isEqualTo(response);
                assertServed(each);
            }
        }
    }

    @Test
    void aReasonThatThereIsNotIsRejected() throws IOException {
        try (IscsiInitiator initiator = bed.session(Map.of())) {
            IscsiPdu answer = logOut(initiator, 3, CID);
            assertThat(answer.opcode()).isEqualTo(0x3F);
            assertThat(answer.u8(2)).isEqualTo(Pdu.REASON_INVALID_FIELD);
            assertServed(initiator);
        }
    }
}
