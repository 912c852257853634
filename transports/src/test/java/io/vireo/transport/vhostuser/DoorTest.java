package io.vireo.transport.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.Closer;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.UnixSocket;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.testkit.Eventually;
import io.vireo.transport.EndpointSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoorTest {
    /** One more than may wait. */
    private static final int UNCLOSED = 65;

    private final CountDownLatch blocked = new CountDownLatch(1);
    private final AtomicInteger visits = new AtomicInteger();

    private void await() {
        try {
            blocked.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void noConnectionIsTakenWhileTooMuchWaitsToBeClosed(@TempDir Path directory) throws Exception {
        var reactors = ReactorGroup.start(List.of(-1), PollMode.ADAPTIVE);
        var closer = new Closer("closer");
        var spec = new EndpointSpec("disk", directory.resolve("socket"), true);
        var journal = new Journal("disk");
        try (var scratch = NativeBuffer.allocate(Connection.SCRATCH, Long.BYTES)) {
            var context =
                    new Session.Context(
                            new EchoDevice(TestBed.BLOCK_DEVICE, 1, reactors),
                            journal,
                            reactors.control(),
                            reactors.data(),
                            scratch,
                            0,
                            false,
                            closer);
            var door = new Door.Server(spec, context, UnixSocket.listen(spec.socket(), 16));
            // One that has begun, and those that wait.
            for (int i = 0; i <= UNCLOSED; i++) {
                closer.run(this::await);
            }
            Eventually.until(() -> closer.waiting() == UNCLOSED);
            reactors.control()
                    .execute(() ->
                            door.open(socket -> {
                                socket.close();
                                visits.incrementAndGet();
                            }));
            try (var frontEnd = UnixSocket.connect(spec.socket())) {
                Eventually.until(() -> journal.lastError().startsWith("no connection can be"));
                // Some looks.
                Thread.sleep(500);
                assertThat(visits).hasValue(0);
                blocked.countDown();
                Eventually.until(() -> visits.get() == 1);
                assertThat(frontEnd.fd().isOpen()).isTrue();
            }
            var closed = new CompletableFuture<Boolean>();
            reactors.control()
                    .execute(() -> {
                        door.close();
                        closed.complete(true);
                    });
            closed.get();
        } finally {
            blocked.countDown();
            reactors.close();
        }
    }
}
