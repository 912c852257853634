package io.vireo.control.store;

import java.io.Serial;

/** The log does not reach back to the revision asked for; list the keys and watch from there. */
public final class CompactedException extends StoreException {
    @Serial private static final long serialVersionUID = 1L;

    public CompactedException(long asked, long compacted) {
        super(
                "the log begins after revision "
                        + compacted
                        + ", but revision "
                        + asked
                        + " was asked for");
    }
}
