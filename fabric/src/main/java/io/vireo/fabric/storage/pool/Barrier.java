package io.vireo.fabric.storage.pool;

import java.util.List;

/**
 * Keeps changes away from volumes for a moment: new ones wait, and when those that were begun have
 * ended, the action runs and all goes on.
 */
final class Barrier {
    private final List<Volume> volumes;
    private final DataPath path;
    private final Runnable action;

    private Barrier(List<Volume> volumes, DataPath path, Runnable action) {
        this.volumes = volumes;
        this.path = path;
        this.action = action;
    }

    /** No other barrier is up on any of the volumes. */
    static void raise(List<Volume> volumes, DataPath path, Runnable action) {
        var barrier = new Barrier(volumes, path, action);
        volumes.forEach(volume -> volume.barrier = barrier);
        barrier.check();
    }

    /** Called whenever a volume's last change has ended. */
    void check() {
        if (volumes.stream().anyMatch(volume -> volume.active > 0)) {
            return;
        }
        volumes.forEach(volume -> volume.barrier = null);
        action.run();
        volumes.forEach(volume -> path.resume(volume.held));
    }
}
