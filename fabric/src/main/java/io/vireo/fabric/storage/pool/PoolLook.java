package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.mirror.MirrorStatus;
import java.util.List;

/**
 * A pool at one moment.
 *
 * @param mirrors the mirrored members; none in a pool that keeps everything once
 * @param drain how far the last drain of a member is
 * @param scrub how far the last scrub is
 * @param reclaim how far chunks that nobody uses any more are from being of use again
 */
public record PoolLook(
        PoolStatus status,
        List<VolumeInfo> volumes,
        List<MirrorStatus> mirrors,
        DrainStatus drain,
        ScrubStatus scrub,
        ReclaimStatus reclaim) {
    public PoolLook {
        volumes = List.copyOf(volumes);
        mirrors = List.copyOf(mirrors);
    }
}
