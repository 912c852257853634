package io.vireo.resource;

import java.util.Optional;

/**
 * A resource of which nothing runs: it holds something that others use, or is the record of
 * something that was done.
 *
 * @param offer what others use, by any of its types; empty: nothing
 */
public record Passive(Optional<?> offer) implements Realization {
    /** A record, which offers nothing. */
    public static final Passive RECORD = new Passive(Optional.empty());

    /** Something that others use. */
    public static Passive of(Object offer) {
        return new Passive(Optional.of(offer));
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        return offer.filter(type::isInstance).map(type::cast);
    }

    @Override
    public Status status() {
        return Status.EMPTY;
    }

    @Override
    public void close(Runnable onClosed) {
        onClosed.run();
    }
}
