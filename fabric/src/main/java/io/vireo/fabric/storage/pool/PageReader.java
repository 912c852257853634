package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.memory.OwnMemory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Reads many blocks of members: neighbours with one request, and several requests at once. One
 * thread of the control plane, which also looks at what was read.
 */
final class PageReader implements AutoCloseable {
    private static final int RUN_BYTES = 256 << 10;
    private static final int RUN_BLOCKS = RUN_BYTES / PoolFormat.BLOCK;
    private static final int DEPTH = 16;

    /** A block on a member, and the caller's number for it. */
    record Place(int member, long at, int tag) {}

    /** Looks at a block. */
    interface Sink {
        void read(int tag, OwnMemory memory, int offset) throws FormatException;
    }

    private record Run(HomeIo.Pending io, List<Place> places, OwnMemory memory) {}

    private final HomeIo io;
    private final ArrayDeque<OwnMemory> spare = new ArrayDeque<>();
    private final ArrayDeque<Run> running = new ArrayDeque<>();

    PageReader(HomeIo io) {
        this.io = io;
    }

    /** Reads all of them, in an order of its own. */
    void read(List<Place> wanted, Sink sink) throws FormatException {
        var sorted = new ArrayList<>(wanted);
        sorted.sort(Comparator.comparingInt(Place::member).thenComparingLong(Place::at));
        int next = 0;
        while (next < sorted.size() || !running.isEmpty()) {
            while (next < sorted.size() && running.size() < DEPTH) {
                int end = endOfRun(sorted, next);
                start(sorted.subList(next, end));
                next = end;
            }
            finish(running.remove(), sink);
        }
    }

    private static int endOfRun(List<Place> sorted, int from) {
        Place first = sorted.get(from);
        int end = from + 1;
        while (end < sorted.size()
                && end - from < RUN_BLOCKS
                && sorted.get(end).member() == first.member()
                && sorted.get(end).at() == first.at() + (long) (end - from) * PoolFormat.BLOCK) {
            end++;
        }
        return end;
    }

    private void start(List<Place> places) {
        OwnMemory memory = spare.isEmpty() ? OwnMemory.allocate(RUN_BYTES) : spare.remove();
        Place first = places.getFirst();
        int length = places.size() * PoolFormat.BLOCK;
        running.add(new Run(io.begin(first.member(), first.at(), memory, length), places, memory));
    }

    private void finish(Run run, Sink sink) throws FormatException {
        try {
            run.io().finish();
            int offset = 0;
            for (Place place : run.places()) {
                sink.read(place.tag(), run.memory(), offset);
                offset += PoolFormat.BLOCK;
            }
        } finally {
            spare.add(run.memory());
        }
    }

    /** Gives the memory back, when nothing is read into it any more. */
    @Override
    public void close() {
        for (Run run : running) {
            run.io().settle();
            spare.add(run.memory());
        }
        spare.forEach(OwnMemory::close);
    }
}
