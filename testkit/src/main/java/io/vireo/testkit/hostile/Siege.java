package io.vireo.testkit.hostile;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Runs attacks and makes sure that nobody but the attacker was harmed. */
public final class Siege {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private Siege() {}

    /** The attacks that every kind of device must survive. */
    public static List<Attack> attacks() {
        var all = new ArrayList<Attack>();
        all.addAll(RingAttacks.all());
        all.addAll(PackedRingAttacks.all());
        all.addAll(FramingAttacks.all());
        all.addAll(MessageAttacks.all());
        all.addAll(MemoryAttacks.all());
        all.addAll(InflightAttacks.all());
        all.addAll(LogAttacks.all());
        all.addAll(PackedInflightAttacks.all());
        return all;
    }

    /**
     * Runs an attack.
     *
     * @throws AssertionError if the attacker got a wrong answer or anybody else was harmed
     */
    public static void run(Target target, Attack attack) throws Exception {
        target.witness().run();
        int before = target.openFds().getAsInt();
        attack.body().run(target);
        if (!target.alive().getAsBoolean()) {
            throw new AssertionError("the back end died");
        }
        target.witness().run();
        awaitFds(target, before);
    }

    private static void awaitFds(Target target, int expected) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        int count;
        while ((count = target.openFds().getAsInt()) != expected) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(
                        count + " descriptors are open after it, " + expected + " were before");
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }
}
