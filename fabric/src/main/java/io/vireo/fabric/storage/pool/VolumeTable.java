package io.vireo.fabric.storage.pool;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The volumes of a pool that is open, by their numbers. Of the home reactor. */
final class VolumeTable {
    private final Map<Long, Volume> volumes;
    private final List<Volume> dedicated = new ArrayList<>();
    private final Runnable limitsChanged;
    private long next;

    /**
     * @param limitsChanged called when what was bounded by limits is not there any more
     */
    VolumeTable(LoadedPool loaded, Runnable limitsChanged) {
        volumes = new LinkedHashMap<>(loaded.volumes());
        volumes.values().stream().filter(v -> v.dedicated).forEach(dedicated::add);
        next = loaded.nextVolume();
        this.limitsChanged = limitsChanged;
    }

    Collection<Volume> all() {
        return volumes.values();
    }

    /** Those that have room for all of them reserved. */
    List<Volume> dedicated() {
        return dedicated;
    }

    /** A volume by its number; null: there is none. */
    @Nullable Volume find(long number) {
        return volumes.get(number);
    }

    void add(Volume volume) {
        if (volume.dedicated) {
            dedicated.add(volume);
        }
        volumes.put(volume.id, volume);
        next = Math.max(next, volume.id + 1);
    }

    void remove(Volume volume) {
        dedicated.remove(volume);
        List.copyOf(volume.limits).forEach(limit -> limit.remove(volume));
        limitsChanged.run();
        volume.forget();
        volumes.remove(volume.id);
    }

    /** The number that the next volume gets. */
    long nextNumber() {
        return next;
    }

    long takeNumber() {
        return next++;
    }

    /** Forgets the keys of all. */
    void forget() {
        volumes.values().forEach(Volume::forget);
    }
}
