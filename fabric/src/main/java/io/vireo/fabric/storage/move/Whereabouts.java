package io.vireo.fabric.storage.move;

import io.vireo.resource.DurableState;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.VdiskSpec;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The durable record of where a vDisk is. Its spec says where it is to be, which is another place
 * from the moment that an operator changes it.
 */
public final class Whereabouts {
    /** How far it is on its way. */
    public enum State {
        /** It is where {@code from} and {@code to} say, which are the same. */
        AT,
        /** It is at {@code from}; at {@code to} there may be a part of a copy. */
        COPYING,
        /** It is at {@code to} if that has a volume of its name by now, else at {@code from}. */
        SWITCHING,
        /** It is at {@code to}; at {@code from} there may be what it was. */
        MOVED,
        /**
         * It is at {@code from}; at {@code to} there may be a copy, whole or not, of any name. If
         * both are one pool, the vDisk itself may have another name.
         */
        ABANDONED
    }

    /** What is recorded. */
    public record Place(State state, Site from, Site to) {
        /** It is there, and nowhere else. */
        public static Place at(Site site) {
            return new Place(State.AT, site, site);
        }

        /** Whether it stays in its pool. */
        public boolean isInOnePool() {
            return from.pool().equals(to.pool());
        }

        /** Whether the pools have to be asked where it is; see {@link Volumes#settled}. */
        public boolean isOpen() {
            return state == State.SWITCHING || state == State.ABANDONED && isInOnePool();
        }
    }

    private final DurableState state;
    private final String key;

    /**
     * @param uid of the Vdisk
     */
    public Whereabouts(DurableState state, String uid) {
        this.state = state;
        key = "vdisk/" + uid + "/place";
    }

    /** What is recorded; empty: nothing yet. */
    public Optional<Place> read() {
        return state.get(key).map(Whereabouts::decode);
    }

    /**
     * Records it, durably.
     *
     * @throws ResourceException UNAVAILABLE if it may not be durable
     */
    public void write(Place place) {
        put(Optional.of(encode(place)));
    }

    /** Removes the record: the vDisk is gone. */
    public void forget() {
        put(Optional.empty());
    }

    private void put(Optional<String> value) {
        var done = new CompletableFuture<Boolean>();
        state.put(key, value, done::complete);
        if (!done.join()) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "where the vDisk is cannot be recorded: make room for Vireo's state directory");
        }
    }

    private static String encode(Place place) {
        return "%s %s %s"
                .formatted(
                        place.state().name().toLowerCase(Locale.ROOT),
                        encode(place.from()),
                        encode(place.to()));
    }

    private static String encode(Site site) {
        return site.pool() + " " + site.allocation().name().toLowerCase(Locale.ROOT);
    }

    private static Place decode(String text) {
        String[] words = text.split(" ", -1);
        return new Place(
                State.valueOf(words[0].toUpperCase(Locale.ROOT)),
                site(words[1], words[2]),
                site(words[3], words[4]));
    }

    private static Site site(String pool, String allocation) {
        return new Site(pool, VdiskSpec.Allocation.valueOf(allocation.toUpperCase(Locale.ROOT)));
    }
}
