package io.vireo.testkit.hostile;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

/** Runs attacks and makes sure that nobody but the attacker was harmed. */
public final class Siege {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final IntSupplier openFds;
    private final BooleanSupplier alive;

    /**
     * The fewest that were seen. What is open just before an attack would not do: connections that
     * an earlier attack has left come and go as late as the back end accepts them.
     */
    private int atRest;

    /**
     * Begins the siege of a back end that nobody attacks yet.
     *
     * @param openFds number of descriptors that the back end's process has open
     * @param alive whether that process lives
     */
    public Siege(IntSupplier openFds, BooleanSupplier alive) {
        this.openFds = openFds;
        this.alive = alive;
        atRest = openFds.getAsInt();
    }

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
    public void run(Target target, Attack attack) throws Exception {
        target.witness().run();
        attack.body().run(target);
        if (!alive.getAsBoolean()) {
            throw new AssertionError("the back end died");
        }
        target.witness().run();
        awaitRest();
    }

    private void awaitRest() {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        int count;
        while ((count = openFds.getAsInt()) > atRest) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(
                        count + " descriptors are open after it, " + atRest + " were before");
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
        atRest = count;
    }
}
