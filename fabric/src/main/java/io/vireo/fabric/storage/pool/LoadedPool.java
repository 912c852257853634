package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.JournalPoint;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.map.MapTree;
import io.vireo.fabric.storage.map.PageStore;
import io.vireo.fabric.storage.map.SumMap;
import java.util.List;
import java.util.Map;

/**
 * What was read when a pool was opened.
 *
 * @param newest of each member, the place of its newest superblock
 * @param behind members whose newest superblock is older than that
 * @param head where the journal goes on
 * @param catalog blocks of the catalog on disk
 * @param damage what is wrong with the journal; empty: nothing
 * @param survived whether something is in the maps that is not in the journal
 */
record LoadedPool(
        MemberSet members,
        Superblock superblock,
        int[] newest,
        List<Integer> behind,
        PageStore pages,
        MapTree tree,
        Epochs epochs,
        ChunkSpace space,
        SumMap sums,
        MetaSpace meta,
        Map<Long, Volume> volumes,
        long nextVolume,
        JournalPoint head,
        List<Long> catalog,
        String damage,
        boolean survived) {}
