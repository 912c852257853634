package io.vireo.server;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Sched;
import java.util.BitSet;
import java.util.List;
import java.util.StringJoiner;

/** CPUs for reactors, as a list that somebody wrote. */
final class ReactorCpus {
    private ReactorCpus() {}

    /**
     * Checks that a reactor can be bound to each.
     *
     * @throws IllegalArgumentException with a sentence that says which there are
     */
    static void check(List<Integer> cpus) throws ErrnoException {
        BitSet bindable = Sched.bindableCpus();
        for (int cpu : cpus) {
            if (cpu < 0 || !bindable.get(cpu)) {
                throw new IllegalArgumentException(
                        "--reactor-cpus %d: this process cannot run on such a CPU; give some of %s, or see its cpuset (/proc/self/cpuset)"
                                .formatted(cpu, text(bindable)));
            }
        }
    }

    /** The form of taskset(1) and of Linux: {@code 0-3,6}. */
    static String text(BitSet cpus) {
        var text = new StringJoiner(",");
        int end;
        for (int first = cpus.nextSetBit(0); first >= 0; first = cpus.nextSetBit(end)) {
            end = cpus.nextClearBit(first);
            text.add(end - first == 1 ? String.valueOf(first) : first + "-" + (end - 1));
        }
        return text.toString();
    }
}
