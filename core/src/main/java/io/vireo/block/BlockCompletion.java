package io.vireo.block;

/** Told when a request ends. */
@FunctionalInterface
public interface BlockCompletion {
    /**
     * Called exactly once for each submitted request, on the channel's reactor, from {@link
     * BlockChannel#poll} or (where nothing has to be waited for) from {@link BlockChannel#submit}.
     * {@link BlockRequest#status} is set. The request may be used anew from here on.
     */
    void completed(BlockRequest request);
}
