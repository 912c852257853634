package io.vireo.net;

import io.vireo.resource.Metric;
import java.util.List;
import java.util.Map;

/** An uplink that runs: the port, and what there is to say about it. */
public interface Uplink {
    /** The port; always the same object. */
    NetPort port();

    /** Facts for the status of the resource, in order. Any thread. */
    Map<String, String> attributes();

    /** Counters for the status of the resource. Any thread. */
    List<Metric> metrics();

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
