package io.vireo.bench;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/** Processes and the front ends that are connected to them; closed the last one first. */
final class BlkRig implements AutoCloseable {
    private final Deque<Runnable> closing = new ArrayDeque<>();

    /** Has a daemon end with the rig. */
    VireoDaemon keep(VireoDaemon daemon) {
        closing.push(daemon::close);
        return daemon;
    }

    /** Has a peer end with the rig. */
    StorageDaemon keep(StorageDaemon daemon) {
        closing.push(daemon.process()::close);
        return daemon;
    }

    /**
     * Connects to a disk of a process that runs, and pauses that.
     *
     * @param contents {@link BlkSide.Contents#WRITTEN}: all of the disk is written first
     */
    BlkSide connect(String name, MeasuredProcess process, Path socket, BlkSide.Contents contents) {
        var side = BlkSide.connect(name, process, socket, contents);
        closing.push(side::close);
        return side;
    }

    @Override
    public void close() {
        while (!closing.isEmpty()) {
            closing.pop().run();
        }
    }
}
