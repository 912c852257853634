package io.vireo.fabric.storage.move;

import io.vireo.fabric.storage.move.Whereabouts.Place;
import io.vireo.fabric.storage.move.Whereabouts.State;
import io.vireo.testkit.crash.DiskLog;
import java.util.ArrayList;
import java.util.List;

/** The daemon's record of where a vDisk is, on a file system of its own: durable when written. */
final class Records {
    private record Entry(Place place, int durable) {}

    private final DiskLog log;
    private final Site from;
    private final Site to;
    private final List<Entry> entries = new ArrayList<>();

    /** The vDisk is at {@code from}, and is to be at {@code to}. */
    Records(DiskLog log, Site from, Site to) {
        this(log, Place.at(from), from, to);
    }

    /**
     * @param first what is recorded at the beginning
     */
    Records(DiskLog log, Place first, Site from, Site to) {
        this.log = log;
        this.from = from;
        this.to = to;
        entries.add(new Entry(first, -1));
    }

    /** It is on its way. */
    void write(State state) {
        write(new Place(state, from, to));
    }

    void write(Place place) {
        entries.add(new Entry(place, log.tick()));
    }

    /** What is durable at a time. */
    Place at(int time) {
        return entries.stream().filter(each -> each.durable < time).toList().getLast().place();
    }
}
