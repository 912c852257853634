package io.vireo.server;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.Frames;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A driver of one pair of a card's queues that numbers what it sends, as long as there is room, and
 * checks what it gets: each buffer comes back once, numbers only grow. One thread.
 */
final class SequenceDriver {
    private static final int HEADER = 12;
    private static final int BUFFER = 2048;

    private final DriverMemory memory;
    private final long source;
    private final Ring receive;
    private final Ring transmit;
    private final long[] posted;
    private final long[] sending;
    private final Deque<Long> free = new ArrayDeque<>();
    private int sent;
    private int completed;
    private int received;
    private int others;
    private boolean inOrder = true;
    private int last = -1;

    /** Starts both queues of a pair. */
    SequenceDriver(VhostUserSession session, int pair, int size, long source) {
        memory = session.memory();
        this.source = source;
        receive = session.start(2 * pair, size);
        transmit = session.start(2 * pair + 1, size);
        posted = new long[size];
        sending = new long[size];
        for (int i = 0; i < size; i++) {
            post(memory.allocate(BUFFER, 64));
            free.add(memory.allocate(BUFFER, 64));
        }
        VhostUserSession.publish(receive);
    }

    private void post(long buffer) {
        posted[receive.queue().addWritable(buffer, BUFFER)] = buffer;
    }

    /** Frames that were given to the card. */
    int sent() {
        return sent;
    }

    /** Frames that came. */
    int received() {
        return received;
    }

    /** What comes need not come in the order in which it was sent. */
    void anyOrder() {
        inOrder = false;
    }

    /** Frames that came and were nobody's of this test. */
    int others() {
        return others;
    }

    /** Whether the card has given back all that it was given to send. */
    boolean idle() {
        return completed == sent;
    }

    /**
     * Takes what the card gives back, and sends.
     *
     * @param frames at most
     */
    void pump(int frames) {
        takeReceived();
        takeSent();
        for (int i = 0; i < frames && !free.isEmpty(); i++) {
            send(free.remove());
        }
        VhostUserSession.publish(transmit);
    }

    private void send(long buffer) {
        long host = memory.host(buffer);
        ForeignMemory.fill(host, HEADER, (byte) 0);
        var frame = SequencePeer.frame(SequencePeer.ADDRESS, source, sent);
        ForeignMemory.copyFromArray(frame, 0, host + HEADER, frame.length);
        sending[transmit.queue().addReadable(buffer, HEADER + frame.length)] = buffer;
        sent++;
    }

    private void takeSent() {
        while (transmit.queue().poll()) {
            free.add(take(sending, transmit.queue().usedHead()));
            completed++;
        }
    }

    private void takeReceived() {
        boolean any = false;
        while (receive.queue().poll()) {
            long buffer = take(posted, receive.queue().usedHead());
            take(memory.host(buffer) + HEADER, receive.queue().usedLength() - HEADER);
            post(buffer);
            any = true;
        }
        if (any) {
            VhostUserSession.publish(receive);
        }
    }

    /** A frame of the peer, or what the host says to all (ARP). */
    private void take(long frame, long length) {
        if (ForeignMemory.getShort(frame + SequencePeer.TYPE)
                != Short.reverseBytes((short) Frames.EXPERIMENTAL)) {
            others++;
            return;
        }
        if (length != SequencePeer.LENGTH) {
            throw new AssertionError("length " + length);
        }
        check(Integer.reverseBytes(ForeignMemory.getInt(frame + SequencePeer.SEQUENCE)));
    }

    private void check(int number) {
        if (inOrder && number <= last) {
            throw new AssertionError("frame " + number + " after " + last);
        }
        last = number;
        received++;
    }

    private static long take(long[] given, int head) {
        long buffer = given[head];
        if (buffer == 0) {
            throw new AssertionError("buffer " + head + " came back twice");
        }
        given[head] = 0;
        return buffer;
    }
}
