package io.vireo.reactor;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.FileCalls;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.Mapping;
import io.vireo.linux.Memfd;

/**
 * A guest whose memory is gone and a neighbour, on one reactor. Runs in a virtual machine of its
 * own, whose compiler is told when to compile. Prints how many faults there were, how often the
 * neighbour was cut off, and how many failures were told of.
 */
final class LateErrorProbe {
    private static final int WARM_UP = 30_000;
    private static final int TURNS = 1_000;

    /** What is only written: it is for the compiler to keep. */
    static volatile int sink;

    private LateErrorProbe() {}

    public static void main(String[] arguments) throws ErrnoException {
        long length = Mapping.pageSize();
        int protection = Mapping.PROT_READ | Mapping.PROT_WRITE;
        Reactor reactor = Reactor.stepped("probe");
        try (var file = Memfd.create("guest", length, 0);
                var other = Memfd.create("neighbour", length, 0);
                var memory = Mapping.map(file, 0, length, protection, true);
                var others = Mapping.map(other, 0, length, protection, true)) {
            var guest = new Guest(memory.address(), arguments[0].equals("garbage"));
            var neighbour = new Guest(others.address(), false);
            // The last one is the first in a turn.
            reactor.add(neighbour);
            reactor.add(guest);
            for (int turn = 0; turn < WARM_UP + TURNS; turn++) {
                if (turn == WARM_UP) {
                    FileCalls.ftruncate(file, 0);
                }
                reactor.step();
            }
            var metrics = reactor.metrics();
            System.out.println(
                    "faults "
                            + metrics.memoryFaults()
                            + " cut off "
                            + neighbour.cutOff
                            + " failures "
                            + metrics.failures());
        }
        reactor.close();
    }

    /** Does something for itself and then touches its memory. */
    private static final class Guest implements Poller {
        private final long address;
        private final boolean believing;
        private boolean within;
        private int cutOff;

        Guest(long address, boolean believing) {
            this.address = address;
            this.believing = believing;
            ForeignMemory.putInt(address, 1);
        }

        @Override
        public int poll() {
            if (within) {
                cutOff++;
            }
            within = true;
            work(this);
            within = false;
            if (believing && ForeignMemory.getInt(address) != 1) {
                throw new IllegalStateException("nobody writes anything else");
            }
            ForeignMemory.putInt(address, 1);
            return 1;
        }

        /** Not compiled into its caller: so errors that are owed come where it returns. */
        private static void work(Guest by) {
            sink = by.cutOff;
        }

        @Override
        public String name() {
            return "guest";
        }
    }
}
