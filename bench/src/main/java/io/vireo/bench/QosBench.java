package io.vireo.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/**
 * How exactly rates and shares are kept. The peer is what was asked for, so that a ratio of 1 is
 * right, and neither side of it better.
 *
 * <p>Traffic runs on from window to window: a pause would fill the token buckets up again.
 */
final class QosBench {
    private static final int BACK_END_CORE = 0;
    private static final int FRONT_END_CORE = 1;
    private static final double RUN_UP_SECONDS = 4;
    private static final int CLOCK_INTERVAL = 64;
    private static final double MEGABIT = 1e6;

    /** Last byte of the address that frames to the uplink go to; nobody has it. */
    private static final int OUTSIDE = 99;

    private static final String NAMESPACE = "vireo-bench";
    private static final List<Integer> SHARES = List.of(100, 200, 400);
    private static final long UPLINK_MEGABITS = 1000;

    /** Bytes of each frame, without frame check sequence. */
    private static final int FRAME = 1514;

    /** Bytes of each frame on a wire, as rates count them. */
    private static final int WIRE = FRAME + 4;

    /** What such a frame takes of a wire, preamble and gap included. */
    private static final double WIRE_SHARE = WIRE / (WIRE + 20.0);

    /** As many frames as a ring holds, so that there are always some to send. */
    private static final Traffic TRAFFIC = Traffic.plain(FRAME, 256, 2048);

    private record Rate(String way, long megabits) {
        String name() {
            return way + "-" + (megabits < 1000 ? megabits + "M" : megabits / 1000 + "G");
        }

        /** A policy that shapes what the sender sends, or drops what the receiver gets. */
        String policy() {
            return "  " + way + ":\n    pir: " + megabits + "M\n";
        }
    }

    private final Options options;
    private final Report report;
    private final Path directory;

    QosBench(Options options, Report report, Path directory) {
        this.options = options;
        this.report = report;
        this.directory = directory;
    }

    void run() {
        try (var daemon = VireoDaemon.start(options.root(), directory, BACK_END_CORE)) {
            for (var rate : rates()) {
                measure(daemon, rate);
            }
            if (options.wants("shares")) {
                shares(daemon);
            }
        }
    }

    private List<Rate> rates() {
        var rates = new ArrayList<Rate>();
        for (var way : List.of("transmit", "receive")) {
            for (var megabits : List.of(10L, 1000L, 10_000L)) {
                rates.add(new Rate(way, megabits));
            }
        }
        return rates.stream()
                .filter(each -> options.wants(each.name()))
                .limit(options.quick() ? 2 : rates.size())
                .toList();
    }

    private void measure(VireoDaemon daemon, Rate rate) {
        var sockets = daemon.define(Resources.rates(rate.policy(), directory));
        try (var sender = card(sockets.get(0), 1, 2);
                var receiver = card(sockets.get(1), 2, 1)) {
            receiver.sendOne();
            sender.start();
            var windows =
                    onFrontEndCore(
                            () -> windows(List.of(sender), List.of(receiver), NetCard::received));
            report(rate.name(), "rate set", windows, 0, rate.megabits());
        }
    }

    private static NetCard card(Path socket, int source, int destination) {
        var addresses = Addresses.of(source, destination);
        return new NetCard(socket, addresses, TRAFFIC, NetCard.Pages.SMALL);
    }

    private void shares(VireoDaemon daemon) {
        var cards = new ArrayList<NetCard>();
        try (var namespace = Namespace.create(NAMESPACE)) {
            var resources = Resources.shares(SHARES, UPLINK_MEGABITS + "M", NAMESPACE, directory);
            for (var socket : daemon.define(resources)) {
                cards.add(card(socket, cards.size() + 1, OUTSIDE));
            }
            namespace.ip("link", "set", Resources.INTERFACE, "up");
            cards.forEach(NetCard::start);
            var windows = onFrontEndCore(() -> windows(cards, cards, NetCard::sent));
            var carried = UPLINK_MEGABITS * WIRE_SHARE;
            var sum = SHARES.stream().mapToInt(Integer::intValue).sum();
            for (var i = 0; i < SHARES.size(); i++) {
                var share = SHARES.get(i);
                report("shares-" + share, "share", windows, i, carried * share / sum);
            }
        } finally {
            cards.forEach(NetCard::close);
        }
    }

    /** Megabits a second of each card, window by window. */
    private List<double[]> windows(
            List<NetCard> senders, List<NetCard> counted, ToLongFunction<NetCard> counter) {
        drive(senders, counted, options.quick() ? 1 : RUN_UP_SECONDS);
        var windows = new ArrayList<double[]>();
        for (var i = 0; i < options.windows(); i++) {
            var before = counted.stream().mapToLong(counter).toArray();
            var start = System.nanoTime();
            drive(senders, counted, options.seconds());
            var seconds = (System.nanoTime() - start) / 1e9;
            var rates = counted.stream().mapToDouble(counter::applyAsLong).toArray();
            for (var card = 0; card < rates.length; card++) {
                rates[card] = (rates[card] - before[card]) * WIRE * 8 / MEGABIT / seconds;
            }
            windows.add(rates);
        }
        return windows;
    }

    private static void drive(List<NetCard> senders, List<NetCard> receivers, double seconds) {
        var until = System.nanoTime() + (long) (seconds * 1e9);
        for (var turn = 1; turn % CLOCK_INTERVAL != 0 || System.nanoTime() < until; turn++) {
            for (var sender : senders) {
                sender.circulate();
            }
            for (var receiver : receivers) {
                receiver.takeReceived();
            }
            Thread.onSpinWait();
        }
    }

    private void report(String name, String peer, List<double[]> windows, int card, double wanted) {
        var pairs =
                windows.stream().map(rates -> new CaseResult.Pair(rates[card], wanted)).toList();
        report.add(CaseResult.of(name, CaseResult.Unit.rate("Mbit/s"), peer, pairs));
    }

    private static List<double[]> onFrontEndCore(Supplier<List<double[]>> task) {
        var result = new CompletableFuture<List<double[]>>();
        Pinned.start(
                "cards",
                FRONT_END_CORE,
                () -> {
                    try {
                        result.complete(task.get());
                    } catch (RuntimeException e) {
                        result.completeExceptionally(e);
                    }
                });
        return result.join();
    }
}
