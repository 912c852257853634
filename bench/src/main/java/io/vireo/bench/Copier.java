package io.vireo.bench;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What one core can copy: as many bytes at a time as a frame has, from one set of buffers to
 * another, as the two cards of a benchmark would need. In Gbit/s.
 */
final class Copier implements Side, AutoCloseable {
    private static final int COPIES_PER_CLOCK = 64;

    private final int size;
    private final int slots;
    private final int stride;
    private final DriverMemory memory;
    private final long from;
    private final long to;

    /** Copies {@code size} bytes at a time between {@code slots} buffers on either side. */
    Copier(int size, int slots) {
        this.size = size;
        this.slots = slots;
        stride = (size + 4095) & -4096;
        var bytes = (long) slots * stride;
        memory = new DriverMemory(2 * bytes);
        from = memory.host(memory.allocate(bytes, 4096));
        to = memory.host(memory.allocate(bytes, 4096));
        ForeignMemory.fill(from, bytes, (byte) 1);
        ForeignMemory.fill(to, bytes, (byte) 2);
    }

    @Override
    public String name() {
        return "memcpy";
    }

    @Override
    public void resume() {}

    @Override
    public void pause() {}

    @Override
    public double window(double seconds) {
        var copies = new AtomicLong();
        var nanos = new AtomicLong();
        Pinned.join(
                Pinned.start(
                        "copier",
                        NetBench.BACK_END_CORE,
                        () -> {
                            var start = System.nanoTime();
                            copies.set(copyUntil(start + (long) (seconds * 1e9)));
                            nanos.set(System.nanoTime() - start);
                        }));
        return copies.get() * 8.0 * size / nanos.get();
    }

    private long copyUntil(long deadline) {
        var copies = 0L;
        var slot = 0;
        while (System.nanoTime() < deadline) {
            for (var i = 0; i < COPIES_PER_CLOCK; i++) {
                ForeignMemory.copy(from + (long) slot * stride, to + (long) slot * stride, size);
                slot = slot + 1 == slots ? 0 : slot + 1;
            }
            copies += COPIES_PER_CLOCK;
        }
        return copies;
    }

    @Override
    public void close() {
        memory.close();
    }
}
