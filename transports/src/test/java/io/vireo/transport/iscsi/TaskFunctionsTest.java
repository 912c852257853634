package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.scsi.TaskManagement.Function;
import io.vireo.scsi.TaskManagement.Response;
import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which function of the command set each of RFC 7143, 11.5.1 is, and how its end is told. */
class TaskFunctionsTest {
    private static final Map<String, String> PLAIN = Map.of("MaxRecvDataSegmentLength", "65536");
    private static final int COMPLETE = 0;
    private static final int NO_SUCH_TASK = 1;
    private static final int NO_REASSIGNMENT = 4;
    private static final int NOT_SUPPORTED = 5;
    private static final int RESPONSE = 0x22;

    private final Bed bed = new Bed();

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        bed.awaitNoSession();
        assertThat(bed.isPoolWhole()).isTrue();
        bed.close();
    }

    private static int ask(IscsiInitiator initiator, int function) throws IOException {
        IscsiPdu answer = initiator.exchange(initiator.request(0x42, 0x80 | function));
        assertThat(answer.opcode()).isEqualTo(RESPONSE);
        return answer.u8(2);
    }

    private static boolean answersPings(IscsiInitiator initiator) throws IOException {
        return initiator.exchange(initiator.request(0x40, 0x80)).opcode() == 0x20;
    }

    @ParameterizedTest
    @CsvSource({
        "2, ABORT_TASK_SET",
        "3, CLEAR_ACA",
        "4, CLEAR_TASK_SET",
        "5, LOGICAL_UNIT_RESET",
        "6, TARGET_WARM_RESET"
    })
    void eachIsTheCommandSets(int code, Function function) throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            initiator.send(initiator.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0)));
            assertThat(ask(initiator, code)).isEqualTo(COMPLETE);
            assertThat(bed.device.functions).containsExactly(function);
            assertThat(answersPings(initiator)).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "FUNCTION_COMPLETE, 0",
        "FUNCTION_SUCCEEDED, 0",
        "TASK_NOT_FOUND, 1",
        "INCORRECT_LOGICAL_UNIT_NUMBER, 2",
        "FUNCTION_REJECTED, 5"
    })
    void itsEndIsTold(Response response, int told) throws IOException {
        bed.device.functionsEnd = response;
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            assertThat(ask(initiator, 5)).isEqualTo(told);
        }
    }

    @Test
    void aTaskIsNotReassigned() throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            assertThat(ask(initiator, 8)).isEqualTo(NO_REASSIGNMENT);
            assertThat(bed.device.functions).isEmpty();
            assertThat(answersPings(initiator)).isTrue();
        }
    }

    /** The tag that stands for none, one that was never given, and that of the function itself. */
    @Test
    void aTaskThatIsNotThereIsNotAborted() throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            initiator.send(initiator.command(0x81, 0, 0, Bed.cdb(FakeTarget.FOREVER, 0, 0)));
            IscsiPdu itself = initiator.request(0x42, 0x81);
            for (int tag : new int[] {IscsiPdu.NO_TAG, 0x1234, itself.u32(16)}) {
                IscsiPdu answer = initiator.exchange(itself.u32(20, tag));
                assertThat(answer.opcode()).isEqualTo(RESPONSE);
                assertThat(answer.u8(2)).isEqualTo(NO_SUCH_TASK);
            }
            assertThat(bed.device.functions).isEmpty();
            assertThat(answersPings(initiator)).isTrue();
        }
    }

    /** Those of RFC 7144 are for a protocol level that is not offered; others are none. */
    @ParameterizedTest
    @ValueSource(ints = {0, 9, 10, 11, 12, 13, 0x7F})
    void othersAreNotSupported(int code) throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            assertThat(ask(initiator, code)).isEqualTo(NOT_SUPPORTED);
            assertThat(bed.device.functions).isEmpty();
            assertThat(answersPings(initiator)).isTrue();
        }
    }

    @Test
    void aColdResetEndsTheSessionsOfTheTargetWhenItIsAnswered() throws IOException {
        try (IscsiInitiator initiator = bed.session(PLAIN)) {
            assertThat(ask(initiator, 7)).isEqualTo(COMPLETE);
            assertThat(bed.device.functions).containsExactly(Function.TARGET_COLD_RESET);
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
    }
}
