package io.vireo.block;

import java.util.List;

/**
 * Whether what a pool holds is what was written.
 *
 * @param scrub how the last scrub stands, for people; empty: there was none
 * @param damaged blocks that were found damaged and have no right copy
 * @param repaired blocks that were written anew from another copy
 * @param findings the latest of both, each with its place and what to do; a few
 */
public record PoolIntegrity(String scrub, long damaged, long repaired, List<String> findings) {
    public PoolIntegrity {
        findings = List.copyOf(findings);
    }
}
