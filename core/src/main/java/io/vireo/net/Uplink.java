package io.vireo.net;

import io.vireo.resource.MacAddress;
import io.vireo.resource.Metric;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An uplink that runs: the port, and what there is to say about it. */
public interface Uplink {
    /** Attribute: who is at the other side of the link, in short; absent: nobody was heard. */
    String NEIGHBOR = "neighbor";

    /** The port; always the same object. */
    NetPort port();

    /**
     * The MAC address that the port has on its link; empty: it has none of its own, or there is
     * more than one link.
     */
    default Optional<MacAddress> address() {
        return Optional.empty();
    }

    /** Facts for the status of the resource, in order. Any thread. */
    Map<String, String> attributes();

    /** Counters for the status of the resource. Any thread. */
    List<Metric> metrics();

    /** Whether what it is made of is there: an interface that was deleted is not. Any thread. */
    default boolean isPresent() {
        return true;
    }

    /**
     * Whether it has no link only because its interface is being opened in another way; that it has
     * ended is a change. Any thread.
     */
    default boolean isReopening() {
        return false;
    }

    /** What is wrong and what to do about it; empty if frames can pass. Any thread. */
    String trouble();

    /**
     * Has {@code listener} run, on any thread, whenever the state of the port may have changed.
     * There may be several.
     */
    void onChange(Runnable listener);

    /** Takes a listener back. */
    void forget(Runnable listener);

    /** Gives everything back. No network holds the port any more. */
    void close();
}
