package io.vireo.bench;

import io.vireo.bench.Resources.Feature;
import java.nio.file.Path;
import java.util.List;

/**
 * What each feature of a network costs: the reactor's time for a frame of 64 bytes with and without
 * it.
 *
 * <p>Two cards send datagrams to each other, 32 at once, so that batches are as long with it as
 * without; a third listens, and gets something where there is a mirror.
 */
final class FeatureBench {
    private static final Traffic TRAFFIC = Traffic.datagrams(64, 32, 2048);
    private static final List<Addresses> CARDS =
            List.of(Addresses.of(0, 1), Addresses.of(1, 0), Addresses.silent(2));

    private final Options options;
    private final Report report;
    private final Path directory;
    private final Interleaver interleaver;

    FeatureBench(Options options, Report report, Path directory, Interleaver interleaver) {
        this.options = options;
        this.report = report;
        this.directory = directory;
        this.interleaver = interleaver;
    }

    void run() {
        for (var feature :
                List.of(
                        Feature.ANTI_SPOOF,
                        Feature.SNOOPING,
                        Feature.METERED,
                        Feature.MIRRORED,
                        Feature.acl(100))) {
            var name = "64B-" + feature.name();
            if (options.wants(name)) {
                measure(name, feature);
            }
        }
    }

    private void measure(String name, Feature feature) {
        try (var plain = fabric(name + "-plain", Feature.NONE);
                var more = fabric(name, feature)) {
            var nanos = Fabric.compare(name, more, plain, interleaver);
            report.reference(name + "-cost", "ns/frame", nanos);
        }
    }

    private Fabric fabric(String name, Feature feature) {
        return Fabric.start(name, options.root(), directory.resolve(name), CARDS, feature, TRAFFIC);
    }
}
