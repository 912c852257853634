package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.Eventually;
import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Sessions whose connection breaks in the middle of what the target does for them. */
class LostSessionTest {
    private static final int READ = 0xC1;
    private static final int WRITE = 0xA1;
    private static final int LENGTH = 1 << 20;

    /** As many of them as may have memory at once. */
    private static final int WRITES = 3;

    private static final int READS = 4;

    private final Bed bed = new Bed();

    @AfterEach
    void everythingIsGivenBack() throws Exception {
        bed.awaitNoSession();
        assertThat(bed.isPoolWhole()).isTrue();
        bed.close();
    }

    private static IscsiPdu command(IscsiInitiator initiator, int flags, int opcode) {
        return initiator.command(flags, 0, LENGTH, Bed.cdb(opcode, 0, LENGTH / FakeTarget.BLOCK));
    }

    @Test
    void commandsThatGetMemoryTogetherAreGivenBackOnceEach() throws Exception {
        try (IscsiInitiator initiator = bed.session(Map.of("ImmediateData", "No"))) {
            List<IscsiPdu> holders = new ArrayList<>();
            for (int i = 0; i < WRITES; i++) {
                holders.add(command(initiator, WRITE, FakeTarget.WRITE_10));
                assertThat(initiator.exchange(holders.getLast()).opcode()).isEqualTo(0x31);
            }
            for (int i = 0; i < READS; i++) {
                initiator.send(command(initiator, READ, FakeTarget.READ_10));
            }
            // They wait: an answer to a ping comes before theirs.
            assertThat(initiator.exchange(initiator.request(0x40, 0x80)).opcode()).isEqualTo(0x20);
            var busy = new CountDownLatch(1);
            var broken = new CountDownLatch(1);
            var outcome = new CompletableFuture<Session>();
            var reactor = bed.reactors.data().getFirst();
            reactor.execute(() -> {
                try {
                    busy.countDown();
                    broken.await();
                    outcome.complete(serve(holders));
                } catch (InterruptedException | RuntimeException | AssertionError e) {
                    outcome.completeExceptionally(e);
                }
            });
            busy.await();
            breakConnection(initiator);
            broken.countDown();
            Session session = outcome.get();
            bed.awaitNoSession();
            var free = new CompletableFuture<Integer>();
            reactor.execute(() -> free.complete(session.commands().free()));
            assertThat(free.get()).isEqualTo(Session.WINDOW + Session.IMMEDIATE_ROOM);
        }
    }

    /**
     * On the reactor, which has not seen yet that the connection is broken: those that have memory
     * give it back, and those that wait get it at once. The answer to the first of them finds the
     * connection broken, which is the end of the others, too.
     */
    private Session serve(List<IscsiPdu> holders) {
        ReactorSide side = bed.transport.side(bed.reactors.data().getFirst());
        Session session = side.sessions().getFirst();
        for (IscsiPdu holder : holders) {
            IscsiTask task = session.commands().find(holder.u32(16));
            assertThat(task).isNotNull();
            if (task != null) {
                session.commands().abandon(task);
            }
        }
        assertThat(side.isAwaited()).isTrue();
        side.serve();
        assertThat(session.isOpen()).isFalse();
        return session;
    }

    /** What a write had of its data, solicited, unsolicited and in the middle of a PDU, is gone. */
    @Test
    void writesOfASessionThatIsTakenOverAreNotCarriedOut() throws Exception {
        var parameters =
                Map.of("MaxBurstLength", "4096", "InitialR2T", "No", "ImmediateData", "Yes");
        byte[] data = data(16 * FakeTarget.BLOCK);
        try (IscsiInitiator first = bed.session(parameters)) {
            IscsiPdu asked =
                    first.command(WRITE, 0, data.length, Bed.cdb(FakeTarget.WRITE_10, 0, 16));
            first.send(asked.data(Arrays.copyOf(data, 4096)));
            IscsiPdu r2t = first.receive();
            assertThat(r2t.opcode()).isEqualTo(0x31);
            byte[] next = Arrays.copyOfRange(data, 4096, 6144);
            first.send(first.dataOut(asked, r2t.u32(20), 0, 4096, next, false));
            IscsiPdu unasked =
                    first.command(0x21, 0, data.length, Bed.cdb(FakeTarget.WRITE_10, 100, 16));
            first.send(unasked.data(Arrays.copyOf(data, 512)));
            byte[] more = Arrays.copyOfRange(data, 512, 4096);
            byte[] cut = first.encode(first.dataOut(unasked, IscsiPdu.NO_TAG, 0, 512, more, false));
            first.socket().getOutputStream().write(cut, 0, IscsiPdu.BHS + 100);
            try (IscsiInitiator second = bed.session(Map.of())) {
                assertThat(first.isClosedByTarget()).isTrue();
                assertThat(bed.device.blocks).containsOnly(0);
                byte[] other = data(2 * FakeTarget.BLOCK);
                IscsiPdu write =
                        second.command(WRITE, 0, other.length, Bed.cdb(FakeTarget.WRITE_10, 0, 2));
                IscsiPdu answer = second.exchange(write.data(other));
                assertThat(answer.opcode()).isEqualTo(0x21);
                assertThat(answer.u8(3)).isZero();
                assertThat(Arrays.copyOf(bed.device.blocks, other.length)).isEqualTo(other);
            }
        }
    }

    private static byte[] data(int length) {
        byte[] data = new byte[length];
        Arrays.fill(data, (byte) 7);
        return data;
    }

    /** Has the other side meet a reset when it writes. */
    private static void breakConnection(IscsiInitiator initiator) throws IOException {
        int target = initiator.socket().getPort();
        int own = initiator.socket().getLocalPort();
        initiator.socket().setSoLinger(true, 0);
        initiator.socket().close();
        Eventually.until("the reset is there", () -> !isEstablished(target, own));
    }

    /** Whether the host has a connection of these ports, local and remote. */
    private static boolean isEstablished(int local, int remote) {
        var entry = Pattern.compile(":%04X [0-9A-F]+:%04X 01 ".formatted(local, remote));
        try {
            return entry.matcher(Files.readString(Path.of("/proc/net/tcp"))).find();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
