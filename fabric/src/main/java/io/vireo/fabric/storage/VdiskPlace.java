package io.vireo.fabric.storage;

import io.vireo.block.BlockPool;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.move.Relocation;
import io.vireo.fabric.storage.move.Site;
import io.vireo.fabric.storage.move.Volumes;
import io.vireo.fabric.storage.move.Whereabouts;
import io.vireo.fabric.storage.move.Whereabouts.Place;
import io.vireo.fabric.storage.transfer.DiskImport;
import io.vireo.resource.DurableState;
import io.vireo.resource.Metadata;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.VdiskSpec;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Where a vDisk is, which is not always where its spec says: it may be on its way there.
 *
 * @param whereabouts the record
 * @param site where it is
 * @param remains what a move that was cut off has left elsewhere
 */
record VdiskPlace(Whereabouts whereabouts, Site site, Optional<Relocation.Remains> remains) {
    private static final System.Logger LOG = System.getLogger(VdiskPlace.class.getName());

    /**
     * Finds it.
     *
     * @param format what it looks like in a pool
     */
    static VdiskPlace find(
            Metadata metadata,
            VdiskSpec spec,
            Function<BlockPool, VolumeFormat> format,
            RealizeContext context) {
        var whereabouts = new Whereabouts(context.service(DurableState.class), metadata.uid());
        Place recorded = whereabouts.read().orElseGet(() -> Place.at(Site.of(spec)));
        Place place = settle(recorded, metadata.name(), format, context);
        if (!place.equals(recorded)) {
            whereabouts.write(place);
        }
        return switch (place.state()) {
            case AT -> new VdiskPlace(whereabouts, place.from(), Optional.empty());
            case MOVED ->
                    new VdiskPlace(whereabouts, place.to(), remains(place, place.from(), context));
            case COPYING, SWITCHING, ABANDONED ->
                    new VdiskPlace(whereabouts, place.from(), remains(place, place.to(), context));
        };
    }

    private static Place settle(
            Place place,
            String name,
            Function<BlockPool, VolumeFormat> format,
            RealizeContext context) {
        if (!place.isOpen()) {
            return place;
        }
        BlockPool from = pool(place.from(), context);
        return Volumes.settled(place, from, pool(place.to(), context), name, format.apply(from));
    }

    private static Optional<Relocation.Remains> remains(
            Place place, Site where, RealizeContext context) {
        try {
            return Optional.of(new Relocation.Remains(place, pool(where, context)));
        } catch (ResourceException e) {
            // The vDisk is elsewhere, and in use; the next daemon that has the pool deletes it.
            LOG.log(
                    Level.WARNING,
                    "what a move has left in pool " + where.pool() + " stays: " + e.getMessage());
            return Optional.empty();
        }
    }

    static BlockPool pool(Site site, RealizeContext context) {
        return context.require(new Reference(Kinds.POOL, site.pool()), BlockPool.class);
    }

    /** It was made. */
    void made() {
        if (whereabouts.read().isEmpty()) {
            whereabouts.write(Place.at(site));
        }
    }

    /** Whether it is known where it is: whoever was made is. */
    static boolean isNoted(Metadata metadata, RealizeContext context) {
        return new Whereabouts(context.service(DurableState.class), metadata.uid())
                .read()
                .isPresent();
    }

    /** Pools that a vDisk needs beside the one that its spec names. */
    static List<Reference> alsoUses(Metadata metadata, VdiskSpec spec, DurableState state) {
        return new Whereabouts(state, metadata.uid())
                .read().stream()
                        .flatMap(place ->
                                switch (place.state()) {
                                    case AT -> Stream.of(place.from());
                                    case MOVED -> Stream.of(place.to());
                                    case COPYING, ABANDONED -> Stream.of(place.from());
                                    case SWITCHING -> Stream.of(place.from(), place.to());
                                })
                        .map(Site::pool)
                        .filter(pool -> !pool.equals(spec.pool()))
                        .map(pool -> new Reference(Kinds.POOL, pool))
                        .toList();
    }

    /**
     * Deletes a vDisk that is not just where its spec says.
     *
     * @return false: it is there, and nothing was deleted
     */
    static boolean deleteElsewhere(Metadata metadata, VdiskSpec spec, RealizeContext context) {
        var whereabouts = new Whereabouts(context.service(DurableState.class), metadata.uid());
        Optional<Place> place =
                whereabouts.read().filter(each -> !each.equals(Place.at(Site.of(spec))));
        place.ifPresent(each ->
                Stream.of(each.from(), each.to())
                        .distinct()
                        .forEach(site -> {
                            BlockPool pool = pool(site, context);
                            Volumes.deleteAll(each, pool, metadata.name());
                            DiskImport.forget(pool, metadata.name());
                        }));
        return place.isPresent();
    }

    /** Forgets a vDisk that is gone. */
    static void forget(Metadata metadata, RealizeContext context) {
        new Whereabouts(context.service(DurableState.class), metadata.uid()).forget();
    }
}
