package io.vireo.fabric.storage.pool;

import java.util.Comparator;
import java.util.List;

/**
 * A volume or snapshot, for people.
 *
 * @param id its number, never used again
 * @param name unique in the pool
 * @param origin number of the volume that it was made from; 0: none
 * @param capacity bytes
 * @param mappedBytes bytes of chunks that its map refers to, shared ones included
 * @param readOnly whether it is a snapshot
 * @param dedicated whether room for all of it is reserved
 * @param created milliseconds since 1970
 * @param encrypted whether its data is encrypted
 * @param checksums whether its blocks have checksums
 */
public record VolumeInfo(
        long id,
        String name,
        long origin,
        long capacity,
        long mappedBytes,
        boolean readOnly,
        boolean dedicated,
        long created,
        boolean encrypted,
        boolean checksums) {
    /** The snapshots of a volume, the oldest first, among all that is in its pool. */
    public static List<VolumeInfo> snapshotsOf(String volume, List<VolumeInfo> all) {
        return all.stream()
                .filter(each -> each.name().equals(volume))
                .flatMap(of ->
                        all.stream().filter(each -> each.readOnly() && each.origin() == of.id()))
                .sorted(Comparator.comparingLong(VolumeInfo::id))
                .toList();
    }
}
