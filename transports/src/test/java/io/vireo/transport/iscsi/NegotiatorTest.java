package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NegotiatorTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    HeaderDigest         | CRC32C,None | CRC32C
                    HeaderDigest         | None,CRC32C | None
                    DataDigest           | X-sum,None  | None
                    DataDigest           | X-sum       | Reject
                    MaxConnections       | 8           | 1
                    MaxConnections       | 0           | Reject
                    MaxConnections       | 65536       | Reject
                    InitialR2T           | No          | No
                    InitialR2T           | Yes         | Yes
                    InitialR2T           | yes         | Reject
                    ImmediateData        | Yes         | Yes
                    ImmediateData        | No          | No
                    MaxBurstLength       | 512         | 512
                    MaxBurstLength       | 0xFFFFFF    | 1048576
                    MaxBurstLength       | 16777216    | Reject
                    MaxBurstLength       | 511         | Reject
                    MaxBurstLength       | 0x          | Reject
                    MaxBurstLength       | -5          | Reject
                    FirstBurstLength     | 262144      | 65536
                    DefaultTime2Wait     | 2           | 2
                    DefaultTime2Retain   | 20          | 0
                    MaxOutstandingR2T    | 16          | 8
                    DataPDUInOrder       | No          | Yes
                    DataSequenceInOrder  | No          | Yes
                    ErrorRecoveryLevel   | 2           | 0
                    ErrorRecoveryLevel   | 3           | Reject
                    iSCSIProtocolLevel   | 2           | 1
                    TaskReporting        | FastAbort,RFC3720 | RFC3720
                    IFMarker             | Yes         | No
                    OFMarkInt            | 2048        | Irrelevant
                    """)
    void offersAreAnsweredByTheRuleOfTheirKey(String key, String offer, String answer)
            throws LoginException {
        var negotiator = new Negotiator();
        assertThat(negotiator.offer(TextKey.of(key).orElseThrow(), offer))
                .contains(new KeyText.Pair(key, answer));
    }

    @Test
    void nothingIsNegotiatedTwice() throws LoginException {
        var negotiator = new Negotiator();
        var _ = negotiator.offer(TextKey.INITIAL_R2T, "No");
        assertThatThrownBy(() -> negotiator.offer(TextKey.INITIAL_R2T, "No"))
                .isInstanceOfSatisfying(
                        LoginException.class,
                        e -> assertThat(e.status()).isEqualTo(LoginException.INITIATOR_ERROR));
    }

    @Test
    void whatIsNotNegotiatedHasItsDefault() throws LoginException {
        var negotiator = new Negotiator();
        assertThat(negotiator.parameters())
                .isEqualTo(
                        new SessionParameters(
                                false, false, true, true, 8192, 8192, 262144, 65536, 1));
        assertThat(negotiator.offer(TextKey.MAX_RECV_DATA_SEGMENT_LENGTH, "1024"))
                .isEqualTo(Optional.empty());
        assertThat(negotiator.offer(TextKey.MAX_BURST_LENGTH, "1")).isPresent();
        assertThat(negotiator.declarations())
                .containsExactly(new KeyText.Pair("MaxRecvDataSegmentLength", "262144"));
        assertThat(negotiator.declarations()).isEmpty();
        assertThat(negotiator.parameters())
                .isEqualTo(
                        new SessionParameters(
                                false, false, true, true, 1024, 262144, 262144, 65536, 1));
    }

    @Test
    void discoverySessionsNegotiateAllButDigests() throws LoginException {
        var negotiator = new Negotiator();
        negotiator.discovery();
        assertThat(negotiator.offer(TextKey.MAX_BURST_LENGTH, "65536").orElseThrow().value())
                .isEqualTo("65536");
        assertThat(negotiator.offer(TextKey.HEADER_DIGEST, "CRC32C,None").orElseThrow().value())
                .isEqualTo("None");
        assertThat(negotiator.offer(TextKey.DATA_DIGEST, "CRC32C").orElseThrow().value())
                .isEqualTo("Reject");
    }
}
