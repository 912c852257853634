package io.vireo.bench;

import io.vireo.linux.Sched;
import io.vireo.systest.Bed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * The QEMU that runs a guest.
 *
 * @param pid its process
 */
record Hypervisor(long pid) {
    /** Of a guest that runs, by its name. */
    static Hypervisor of(Bed bed, String guest) {
        try {
            var file = bed.run().resolve(guest + ".pid");
            return new Hypervisor(Long.parseLong(Files.readString(file).strip()));
        } catch (IOException e) {
            throw new BenchException("QEMU wrote no process id.", e);
        }
    }

    /** All of it gets one core: a guest is a guest's matter, its interrupts included. */
    void pin(int core) {
        threads().forEach(thread -> set(thread, core));
    }

    /**
     * The guest's processor gets one core, the rest of QEMU another. The guest has booted, which is
     * more work than anything else was.
     */
    void pin(int processorCore, int otherCore) {
        var threads = threads();
        var processor =
                threads.stream()
                        .max(Comparator.comparingDouble(this::processorSeconds))
                        .orElseThrow();
        threads.forEach(
                thread -> set(thread, thread.equals(processor) ? processorCore : otherCore));
    }

    /** Processor time of its main loop, in s. */
    double mainLoopSeconds() {
        return processorSeconds((int) pid);
    }

    private List<Integer> threads() {
        try (var tasks = Files.list(Path.of("/proc/" + pid + "/task"))) {
            return tasks.map(task -> Integer.parseInt(task.getFileName().toString())).toList();
        } catch (IOException e) {
            throw new BenchException("Cannot list the threads of QEMU.", e);
        }
    }

    private double processorSeconds(int thread) {
        return Host.processorSeconds(Path.of("/proc/" + pid + "/task/" + thread + "/stat"));
    }

    private static void set(int thread, int core) {
        var cores = new BitSet();
        cores.set(core);
        try {
            Sched.setAffinity(thread, cores);
        } catch (IOException e) {
            throw new BenchException("Cannot pin the threads of QEMU.", e);
        }
    }
}
