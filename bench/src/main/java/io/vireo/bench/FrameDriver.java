package io.vireo.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Any number of cards, all on one thread, which send to each other. Their memory is in huge pages,
 * as testpmd's is.
 */
final class FrameDriver implements AutoCloseable {
    private static final int ROUNDS_PER_CLOCK = 16;
    private static final long STALL_NANOS = 20_000_000_000L;

    private final List<NetCard> cards = new ArrayList<>();

    /** Connects a card to each socket. */
    FrameDriver(List<Path> sockets, List<Addresses> addresses, Traffic traffic) {
        for (var i = 0; i < sockets.size(); i++) {
            cards.add(new NetCard(sockets.get(i), addresses.get(i), traffic, NetCard.Pages.HUGE));
        }
    }

    /** Puts the first frames on the way. */
    void start() {
        cards.forEach(NetCard::start);
    }

    /** Frames that arrived in about {@code seconds}, by the second. */
    double run(double seconds) {
        var start = System.nanoTime();
        var until = start + (long) (seconds * 1e9);
        var received = 0L;
        var now = start;
        while (now < until) {
            for (var i = 0; i < ROUNDS_PER_CLOCK; i++) {
                received += round();
            }
            now = System.nanoTime();
        }
        return received * 1e9 / (now - start);
    }

    private int round() {
        var received = 0;
        for (var i = 0; i < cards.size(); i++) {
            received += cards.get(i).circulate();
        }
        return received;
    }

    /**
     * As {@link #run}, but every card sends all its frames at once and waits for those of all
     * others: so the back end never has fewer frames at hand than that, however slow this driver
     * is.
     */
    double runInBatches(double seconds) {
        var start = System.nanoTime();
        var until = start + (long) (seconds * 1e9);
        var received = 0L;
        while (System.nanoTime() < until) {
            for (var i = 0; i < cards.size(); i++) {
                cards.get(i).start();
            }
            for (var i = 0; i < cards.size(); i++) {
                cards.get(i).awaitAllSent();
            }
            for (var i = 0; i < cards.size(); i++) {
                received += cards.get(i).takeReceived();
            }
        }
        return received * 1e9 / (System.nanoTime() - start);
    }

    /**
     * Sends single frames from the first card to the second, each after the one before has arrived,
     * and writes how long each took, in ns, into {@code nanos}.
     *
     * @param restNanos time between the arrival of a frame and the next
     */
    void sendOneByOne(long[] nanos, long restNanos) {
        var sender = cards.getFirst();
        var receiver = cards.get(1);
        for (var i = 0; i < nanos.length; i++) {
            var start = System.nanoTime();
            sender.sendOne();
            while (receiver.takeReceived() == 0) {
                if (System.nanoTime() - start > STALL_NANOS) {
                    throw new BenchException("A frame did not arrive.");
                }
            }
            nanos[i] = System.nanoTime() - start;
            sender.awaitSent();
            for (var end = System.nanoTime() + restNanos; System.nanoTime() < end; ) {
                Thread.onSpinWait();
            }
        }
    }

    @Override
    public void close() {
        cards.forEach(NetCard::close);
    }
}
