package io.vireo.transport;

import io.vireo.resource.Condition;
import io.vireo.resource.Metric;
import io.vireo.resource.Status;
import io.vireo.resource.spec.SocketMode;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What the status of a device tells of its front end at one moment.
 *
 * @param lastError as {@link Endpoint#lastError}
 * @param counters as {@link Endpoint#counters}
 */
public record FrontEndStatus(Endpoint.State state, String lastError, Map<String, Long> counters) {
    /** Attribute: what the front end is doing. */
    public static final String STATE = "state";

    /** How it is now. */
    public static FrontEndStatus of(Endpoint endpoint) {
        return new FrontEndStatus(endpoint.state(), endpoint.lastError(), endpoint.counters());
    }

    /** Adds where a hypervisor finds a device, and with how many queues. */
    public static void addSocket(
            Path socket, SocketMode mode, int queues, Map<String, String> attributes) {
        attributes.put(Status.SOCKET, socket.toString());
        attributes.put(Status.SOCKET_MODE, mode == SocketMode.SERVER ? "server" : "client");
        attributes.put(Status.QUEUES, Integer.toString(queues));
    }

    /** What the front end is doing, in one word. */
    public String text() {
        return state.name().toLowerCase(Locale.ROOT);
    }

    /** Whether a front end is connected, as a condition. */
    public Condition connected() {
        boolean met = state.isConnected();
        String message = lastError.isEmpty() ? "" : "Last error: " + lastError;
        return new Condition(Condition.CONNECTED, met, met ? "Connected" : "Waiting", message);
    }

    /** The counters, as {@code vhost_<name>_total}. */
    public List<Metric> metrics() {
        return counters.entrySet().stream().map(FrontEndStatus::metric).toList();
    }

    private static Metric metric(Map.Entry<String, Long> counter) {
        String name = counter.getKey();
        return Metric.counter(
                "vhost_" + name + "_total",
                "Of the vhost-user endpoint: " + name.replace('_', ' ') + ".",
                counter.getValue());
    }
}
