package io.vireo.fabric.storage.pool;

import java.util.ArrayList;
import java.util.List;

/** What a pool tells of damage: the volume and the place of each block, and disks that are out. */
final class DamageLog implements PoolEvents {
    final List<String> damaged = new ArrayList<>();
    final List<String> repaired = new ArrayList<>();
    final List<String> degraded = new ArrayList<>();

    @Override
    public void damaged(String volume, long offset, String sentence) {
        damaged.add(volume + " " + offset);
    }

    @Override
    public void repaired(String volume, long offset, String sentence) {
        repaired.add(volume + " " + offset);
    }

    @Override
    public void degraded(String sentence) {
        degraded.add(sentence);
    }
}
