package io.vireo.reactor;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The reactors of a host: one for control (handshakes, memory tables), some for data. Thread safe.
 */
public final class ReactorGroup {
    private final Reactor control;
    private final List<Reactor> data;
    private final AtomicInteger next = new AtomicInteger();

    private ReactorGroup(Reactor control, List<Reactor> data) {
        this.control = control;
        this.data = List.copyOf(data);
    }

    /**
     * Starts the reactors.
     *
     * @param cpus one data reactor for each: the CPU it is pinned to, or a negative number for none
     * @param mode poll mode of the data reactors
     */
    public static ReactorGroup start(List<Integer> cpus, PollMode mode) {
        if (cpus.isEmpty()) {
            throw new IllegalArgumentException("at least one data reactor is needed");
        }
        var control = Reactor.start(new ReactorConfig("control", -1, PollMode.INTERRUPT));
        var data = new ArrayList<Reactor>();
        for (int i = 0; i < cpus.size(); i++) {
            data.add(Reactor.start(new ReactorConfig("data-" + i, cpus.get(i), mode)));
        }
        return new ReactorGroup(control, data);
    }

    /** The reactor of handshakes and of everything that may take a while. */
    public Reactor control() {
        return control;
    }

    /** The reactors that own queues. */
    public List<Reactor> data() {
        return data;
    }

    /** One of the data reactors, in turn. */
    public Reactor next() {
        return data.get(Math.floorMod(next.getAndIncrement(), data.size()));
    }

    /** Stops all of them. */
    public void close() {
        data.forEach(Reactor::close);
        control.close();
    }
}
