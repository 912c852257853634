package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which session is ended for the memory that it keeps, and which is not. Tests are the clock. */
@Timeout(60)
class SessionMemoryTest {
    private static final int WRITE = 0xA1;
    private static final int R2T = 0x31;
    private static final int NOP_IN = 0x20;
    private static final int MEBIBYTE = 1 << 20;
    private static final Map<String, String> SOLICITED =
            Map.of("InitialR2T", "Yes", "ImmediateData", "No");

    private static final Patience BY_HAND =
            new Patience(
                    TimeUnit.HOURS.toNanos(1),
                    TimeUnit.HOURS.toNanos(10),
                    TimeUnit.HOURS.toNanos(3));

    private final List<IscsiInitiator> initiators = new ArrayList<>();
    private Bed bed = new Bed(Authentication.NONE, 16 * MEBIBYTE, BY_HAND);

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        for (IscsiInitiator initiator : initiators) {
            initiator.close();
        }
        bed.awaitNoSession();
        assertThat(bed.isPoolWhole()).isTrue();
        bed.close();
    }

    private IscsiInitiator session(Map<String, String> parameters) throws IOException {
        IscsiInitiator initiator = bed.connect().isid(100 + initiators.size());
        initiators.add(initiator);
        assertThat(initiator.login(Bed.TARGET, parameters).u16(36)).isZero();
        isServed(initiator);
        return initiator;
    }

    private static IscsiPdu write(IscsiInitiator initiator, int bytes) {
        byte[] cdb = Bed.cdb(FakeTarget.WRITE_10, 0, bytes / FakeTarget.BLOCK);
        return initiator.command(WRITE, 0, bytes, cdb);
    }

    /** A session with a command that has memory, and waits for data. */
    private IscsiInitiator holder(int bytes) throws IOException {
        IscsiInitiator initiator = session(SOLICITED);
        assertThat(initiator.exchange(write(initiator, bytes)).opcode()).isEqualTo(R2T);
        return initiator;
    }

    /** A command that waits for memory. */
    private static void waits(IscsiInitiator initiator, int bytes) throws IOException {
        initiator.send(write(initiator, bytes));
        isServed(initiator);
    }

    private static void isServed(IscsiInitiator initiator) throws IOException {
        assertThat(initiator.exchange(initiator.request(0x40, 0x80)).opcode()).isEqualTo(NOP_IN);
    }

    private <T> T onReactor(Function<ReactorSide, T> work) throws Exception {
        var answer = new CompletableFuture<T>();
        var reactor = bed.reactors.data().getFirst();
        reactor.execute(() -> {
            try {
                answer.complete(work.apply(bed.transport.side(reactor)));
            } catch (RuntimeException e) {
                answer.completeExceptionally(e);
            }
        });
        return answer.get();
    }

    private boolean asked(BooleanSupplier question) throws Exception {
        return onReactor(_ -> question.getAsBoolean());
    }

    /** Lets time pass in one go, before what it sets off goes on. Returns how many are open. */
    private long tick(int times) throws Exception {
        return onReactor(side -> {
            for (int i = 0; i < times; i++) {
                side.tick();
            }
            return side.sessions().stream().filter(Session::isOpen).count();
        });
    }

    private Session first() throws Exception {
        return onReactor(side -> side.sessions().getFirst());
    }

    /** Who pings with data and does not read has a mebibyte, and for how long is known. */
    @Test
    void unreadAnswersToPingsHaveABoundAndAnEnd() throws Exception {
        bed.close();
        bed = new Bed(Authentication.NONE, 4 * MEBIBYTE, BY_HAND);
        IscsiInitiator deaf = session(Map.of("MaxRecvDataSegmentLength", "262144"));
        Session session = first();
        Thread pinging =
                Thread.ofPlatform()
                        .start(() -> {
                            IscsiPdu ping = deaf.request(0x40, 0x80).data(new byte[256 << 10]);
                            try {
                                while (true) {
                                    deaf.send(ping);
                                }
                            } catch (IOException ended) {
                                // The session is over, as it should be.
                            }
                        });
        while (asked(() -> session.receptive())) {
            Thread.sleep(5);
        }
        int held = onReactor(_ -> session.held());
        assertThat(held).isBetween(1, ControlMemory.MOST);
        assertThat(tick(BY_HAND.ticks())).isEqualTo(1);
        int most = onReactor(side -> side.pool().largest());
        IscsiInitiator holder = holder(most);
        IscsiInitiator other = session(SOLICITED);
        waits(other, most);
        assertThat(tick(1)).isEqualTo(2);
        assertThat(asked(() -> session.isOpen())).isFalse();
        assertThat(other.receive().opcode()).isEqualTo(R2T);
        isServed(holder);
        pinging.join();
    }

    @Test
    void whoseSessionHasItsShareWaitsForNobodyElse() throws Exception {
        IscsiInitiator slow = holder(4 * MEBIBYTE);
        IscsiInitiator greedy = holder(4 * MEBIBYTE);
        waits(greedy, MEBIBYTE);
        assertThat(tick(2 * BY_HAND.ticks())).isEqualTo(2);
        isServed(slow);
        isServed(greedy);
    }

    @Test
    void oneSessionEndsForOthersAndThenTheyAreServed() throws Exception {
        IscsiInitiator small = holder(3 * MEBIBYTE);
        IscsiInitiator large = holder(4 * MEBIBYTE);
        IscsiInitiator third = holder(3 * MEBIBYTE);
        IscsiInitiator fourth = holder(3 * MEBIBYTE);
        IscsiInitiator other = session(SOLICITED);
        waits(other, 4 * MEBIBYTE);
        assertThat(tick(BY_HAND.ticks())).isEqualTo(5);
        assertThat(tick(1)).isEqualTo(4);
        assertThat(other.receive().opcode()).isEqualTo(R2T);
        assertThat(tick(2 * BY_HAND.ticks())).isEqualTo(4);
        assertThat(large.isClosedByTarget()).isTrue();
        isServed(small);
        isServed(third);
        isServed(fourth);
    }

    /** A slow connection may carry the data of one command, while those of others wait behind. */
    @Test
    void whoSendsDataOfOneCommandAfterTheOtherIsNotStuck() throws Exception {
        IscsiInitiator initiator = session(SOLICITED);
        IscsiPdu one = write(initiator, 2 * FakeTarget.BLOCK);
        IscsiPdu r2t = initiator.exchange(one);
        assertThat(initiator.exchange(write(initiator, FakeTarget.BLOCK)).opcode()).isEqualTo(R2T);
        Commands commands = first().commands();
        long both = onReactor(side -> side.reactor().nanoTime()) + 1;
        assertThat(asked(() -> commands.isStuck(both))).isTrue();
        byte[] half = new byte[FakeTarget.BLOCK];
        initiator.send(initiator.dataOut(one, r2t.u32(20), 0, 0, half, false));
        isServed(initiator);
        assertThat(asked(() -> commands.isStuck(both))).isFalse();
        long later = onReactor(side -> side.reactor().nanoTime()) + 1;
        assertThat(asked(() -> commands.isStuck(later))).isTrue();
    }
}
