package io.vireo.resource;

import java.util.List;

/**
 * Something that measures itself, for example the host's reactors. Names are complete, with the
 * {@code vireo_} prefix.
 */
@FunctionalInterface
public interface MetricSource {
    /** A snapshot; called from any thread and must not block. */
    List<Metric> metrics();
}
