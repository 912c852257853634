package io.vireo.transport.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.Closer;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.UnixSocket;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.VhostUserFrontEnd;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ConnectionTest {
    private static final int UNCLOSED = 1025;

    private final AtomicInteger messages = new AtomicInteger();
    private final CountDownLatch blocked = new CountDownLatch(1);

    private final class Counting implements Connection.Handler {
        @Override
        public void message(Message message) {
            message.closeFds();
            messages.incrementAndGet();
        }

        @Override
        public void gone(String why) {
            throw new AssertionError(why);
        }

        @Override
        public void malformed(String rule) {
            throw new AssertionError(rule);
        }
    }

    private void await() {
        try {
            blocked.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void noMessageIsReadWhileTooMuchWaitsToBeClosed() throws Exception {
        var reactor = Reactor.start(new ReactorConfig("control", -1, PollMode.ADAPTIVE));
        var closer = new Closer("closer");
        UnixSocket[] ends = UnixSocket.pair();
        try (var scratch = NativeBuffer.allocate(Connection.SCRATCH, Long.BYTES);
                var frontEnd = VhostUserFrontEnd.of(ends[0])) {
            // One that has begun, and those that wait.
            for (int i = 0; i <= UNCLOSED; i++) {
                closer.run(this::await);
            }
            var opened = new CompletableFuture<Connection>();
            reactor.execute(() ->
                    opened.complete(
                            new Connection(
                                    ends[1],
                                    reactor,
                                    scratch,
                                    TimeUnit.MINUTES.toNanos(1),
                                    new Counting(),
                                    closer)));
            Connection connection = opened.get();
            frontEnd.send(VhostUserFrontEnd.GET_FEATURES, VhostUserFrontEnd.payload(0));
            // Ten looks.
            Thread.sleep(100);
            assertThat(messages).hasValue(0);
            blocked.countDown();
            Eventually.until(() -> messages.get() == 1);
            var closed = new CompletableFuture<Boolean>();
            reactor.execute(() -> {
                connection.close();
                closed.complete(true);
            });
            closed.get();
        } finally {
            blocked.countDown();
            reactor.close();
        }
    }
}
