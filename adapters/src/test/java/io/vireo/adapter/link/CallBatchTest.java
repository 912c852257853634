package io.vireo.adapter.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.Errno;
import io.vireo.linux.Eventfd;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.IovecArray;
import io.vireo.linux.Mapping;
import io.vireo.reactor.Reactor;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** With a counter, which each write makes one more and each read one less. */
class CallBatchTest {
    private static final int PAGE = 4096;

    /** In the first page, which no process has. */
    private static final long NOWHERE = 16;

    private final Reactor reactor = Reactor.stepped("calls");
    private final IovecArray iovecs = new IovecArray(2);
    private Mapping memory;
    private Eventfd counter;
    private CallBatch calls;

    @SuppressWarnings("NullAway.Init") // set by open
    CallBatchTest() {}

    @BeforeEach
    void open() throws Exception {
        memory = Mapping.anonymous(PAGE);
        counter = Eventfd.createSemaphore(0);
        calls = CallBatch.acquire(reactor).orElseThrow();
        ForeignMemory.putLong(memory.address(), 1);
        iovecs.set(0, memory.address(), Long.BYTES);
    }

    @AfterEach
    void close() {
        calls.release();
        counter.close();
        memory.unmap();
        reactor.close();
    }

    private void write() {
        calls.writev(counter.fd().number(), iovecs.address(0), 1);
    }

    private void read() {
        calls.read(counter.fd().number(), memory.address() + Long.BYTES, Long.BYTES);
    }

    private int[] run() {
        calls.run();
        return IntStream.range(0, calls.count()).map(calls::result).toArray();
    }

    @Test
    void areMadeInTheirOrderAndDoNotWait() {
        for (int round = 0; round < 3; round++) {
            calls.begin();
            read();
            write();
            write();
            read();
            read();
            read();
            assertThat(run()).containsExactly(-Errno.EAGAIN, 8, 8, 8, 8, -Errno.EAGAIN);
        }
    }

    @Test
    void asManyAreMadeAsThereIsRoomFor() {
        calls.begin();
        for (int i = 0; i < CallBatch.CAPACITY; i++) {
            write();
        }
        assertThat(run()).hasSize(CallBatch.CAPACITY).containsOnly(8);
        calls.begin();
        for (int i = 0; i < CallBatch.CAPACITY; i++) {
            read();
        }
        assertThat(run()).containsOnly(8);
    }

    @Test
    void oneThatFailsDoesNotKeepTheOthersFromBeingMade() {
        iovecs.set(1, NOWHERE, Long.BYTES);
        calls.begin();
        write();
        calls.writev(counter.fd().number(), iovecs.address(1), 1);
        write();
        assertThat(run()).containsExactly(8, -Errno.EFAULT, 8);
    }

    @Test
    void whatWasAddedAndNotMadeIsForgotten() {
        calls.begin();
        write();
        write();
        calls.begin();
        read();
        assertThat(run()).containsExactly(-Errno.EAGAIN);
    }

    @Test
    void isOneForEachReactor() {
        assertThat(CallBatch.acquire(reactor)).containsSame(calls);
        calls.release();
        calls.begin();
        write();
        assertThat(run()).containsExactly(8);
    }
}
