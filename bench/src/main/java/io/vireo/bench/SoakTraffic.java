package io.vireo.bench;

import io.vireo.bench.Resources.Feature;
import io.vireo.testkit.hostile.Attack;
import io.vireo.testkit.hostile.FrameSender;
import io.vireo.testkit.hostile.NetAttacks;
import io.vireo.testkit.hostile.Siege;
import io.vireo.testkit.hostile.Target;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Traffic of all kinds on a network that is under measurement later: frames of all sizes, segments
 * that somebody has to cut, storms of broadcasts, malformed chains, while features change, cards
 * come and go, and access control lists grow and shrink.
 */
final class SoakTraffic {
    private static final int CARDS = 4;
    private static final int FIRST_ADDRESS = 16;
    private static final double PHASE_SECONDS = 2;
    private static final int IN_FLIGHT = 32;
    private static final int SMALL_BUFFER = 2048;
    private static final int PAGE = 4096;
    private static final int FEW = 4;

    /** The groups of attacks on rings and chains, those on messages come after them. */
    private static final int LAST_RING_GROUP = 15;

    private static final List<Traffic> KINDS =
            List.of(
                    Traffic.datagrams(64, IN_FLIGHT, SMALL_BUFFER),
                    Traffic.plain(1518, IN_FLIGHT, SMALL_BUFFER),
                    Traffic.plain(9_000, IN_FLIGHT, SMALL_BUFFER),
                    Traffic.segments(FEW, PAGE));

    private final VireoDaemon daemon;
    private final Path directory;
    private final List<String> measured;
    private final double minutes;
    private final long start = System.nanoTime();

    /**
     * Nothing runs yet.
     *
     * @param daemon which runs
     * @param directory of its sockets
     * @param measured the MAC addresses of the cards that are measured later
     */
    SoakTraffic(VireoDaemon daemon, Path directory, List<String> measured, double minutes) {
        this.daemon = daemon;
        this.directory = directory;
        this.measured = measured;
        this.minutes = minutes;
    }

    /** Runs, round by round, and leaves the network as it was, with {@code feature}. */
    void run(Feature feature) {
        var features =
                List.of(
                        Feature.ANTI_SPOOF,
                        Feature.METERED,
                        Feature.SNOOPING,
                        Feature.acl(100),
                        Feature.acl(10),
                        Feature.NONE);
        for (var round = 0; elapsedMinutes() < minutes; round++) {
            var next = features.get(round % features.size());
            say("the network with " + next.name() + ", cards plugged");
            daemon.define(Resources.network(measured, directory, next));
            var sockets = daemon.define(Resources.guests(macs(), directory));
            for (var kind : KINDS) {
                say("frames of " + kind.frame().length + " bytes");
                traffic(sockets, pairs(), kind);
            }
            say("storms of broadcasts");
            traffic(sockets, storm(), KINDS.getFirst());
            say("malformed chains");
            attack(sockets);
            for (var card = 0; card < CARDS; card++) {
                daemon.delete("serverprofile", "guest" + card);
            }
        }
        daemon.define(Resources.network(measured, directory, feature));
    }

    private double elapsedMinutes() {
        return (System.nanoTime() - start) / 60e9;
    }

    private void say(String what) {
        Progress.say("soak, %.1f of %.0f min: %s".formatted(elapsedMinutes(), minutes, what));
    }

    private static List<String> macs() {
        return IntStream.range(FIRST_ADDRESS, FIRST_ADDRESS + CARDS)
                .mapToObj(Addresses::text)
                .toList();
    }

    /** Each card sends to the next. */
    private static List<Addresses> pairs() {
        return IntStream.range(0, CARDS)
                .mapToObj(card ->
                        Addresses.of(FIRST_ADDRESS + card, FIRST_ADDRESS + (card + 1) % CARDS))
                .toList();
    }

    private static List<Addresses> storm() {
        return IntStream.range(FIRST_ADDRESS, FIRST_ADDRESS + CARDS)
                .mapToObj(card ->
                        new Addresses(Addresses.range(card, 1), new long[] {Addresses.BROADCAST}))
                .toList();
    }

    private static void traffic(List<Path> sockets, List<Addresses> addresses, Traffic kind) {
        try (var driver = new FrameDriver(sockets, addresses, kind)) {
            Fabric.onFrontEndCore(() -> {
                driver.start();
                return driver.run(PHASE_SECONDS);
            });
        }
    }

    private void attack(List<Path> sockets) {
        var target = new Target(sockets.getFirst(), new FrameSender(), () -> {});
        Stream.concat(
                        Siege.attacks().stream()
                                .filter(attack -> attack.group() <= LAST_RING_GROUP),
                        NetAttacks.all(sockets.getLast()).stream())
                .forEach(attack -> run(target, attack));
    }

    private void run(Target target, Attack attack) {
        try {
            attack.body().run(target);
        } catch (Exception | AssertionError e) {
            throw new BenchException("The back end did not withstand \"" + attack + "\".", e);
        }
        if (!daemon.process().alive()) {
            throw new BenchException("The back end died of \"" + attack + "\".");
        }
    }
}
