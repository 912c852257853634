package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A session whose initiator says nothing is asked for a sign of life, and ended without one. */
class SilentInitiatorTest {
    private static final int NOP_OUT = 0x40;
    private static final int NOP_IN = 0x20;

    /** Each tick, of the test's own, finds that the initiator was silent for too long. */
    private static final Patience BY_HAND =
            new Patience(TimeUnit.HOURS.toNanos(1), 0, TimeUnit.HOURS.toNanos(3));

    private final Bed bed = new Bed(Authentication.NONE, 16 << 20, BY_HAND);

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        bed.awaitNoSession();
        bed.close();
    }

    private void tick() throws Exception {
        var done = new CompletableFuture<Void>();
        var reactor = bed.reactors.data().getFirst();
        reactor.execute(() -> {
            bed.transport.side(reactor).tick();
            done.complete(null);
        });
        done.get();
    }

    private static IscsiPdu assertAsked(IscsiInitiator initiator) throws IOException {
        IscsiPdu question = initiator.receive();
        assertThat(question.opcode()).isEqualTo(NOP_IN);
        assertThat(question.u32(16)).isEqualTo(IscsiPdu.NO_TAG);
        assertThat(question.u32(20)).isNotEqualTo(IscsiPdu.NO_TAG);
        return question;
    }

    @Test
    void whoAnswersStaysAndWhoDoesNotLosesItsSession() throws Exception {
        try (IscsiInitiator initiator = bed.session(Map.of())) {
            initiator.exchange(initiator.request(NOP_OUT, 0x80));
            tick();
            IscsiPdu question = assertAsked(initiator);
            initiator.send(
                    initiator
                            .request(NOP_OUT, 0x80)
                            .u32(16, IscsiPdu.NO_TAG)
                            .u32(20, question.u32(20)));
            // What follows the answer is served: the answer was taken, and is not answered itself.
            IscsiPdu ping = initiator.request(NOP_OUT, 0x80);
            assertThat(initiator.exchange(ping).u32(16)).isEqualTo(ping.u32(16));
            tick();
            IscsiPdu next = assertAsked(initiator);
            assertThat(next.u32(20)).isNotEqualTo(question.u32(20));
            assertThat(bed.node.sessions()).hasSize(1);
            tick();
            assertThat(initiator.isClosedByTarget()).isTrue();
        }
    }
}
