package io.vireo.fabric.storage.move;

import io.vireo.resource.spec.VdiskSpec;

/**
 * Where a vDisk is, or is to be.
 *
 * @param pool name of the Pool
 */
public record Site(String pool, VdiskSpec.Allocation allocation) {
    /** Where a spec wants it. */
    public static Site of(VdiskSpec spec) {
        return new Site(spec.pool(), spec.allocation());
    }
}
