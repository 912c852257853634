package io.vireo.server;

import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Metric;
import io.vireo.resource.MetricSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Counters of the reactors. */
record HostMetrics(ReactorGroup reactors) implements MetricSource {
    @Override
    public List<Metric> metrics() {
        var metrics = new ArrayList<Metric>();
        add(metrics, reactors.control());
        reactors.data().forEach(reactor -> add(metrics, reactor));
        return metrics;
    }

    private static void add(List<Metric> metrics, Reactor reactor) {
        var labels = Map.of("reactor", reactor.name());
        var now = reactor.metrics();
        metrics.add(counter("turns", "Times round the reactor's loop.", labels, now.turns()));
        metrics.add(
                counter("work", "Frames, requests and completions handled.", labels, now.work()));
        metrics.add(
                counter(
                        "busy_seconds",
                        "Time of the turns in which there was work.",
                        labels,
                        now.busyNanos() / 1e9));
        metrics.add(counter("sleeps", "Times it slept for want of work.", labels, now.sleeps()));
        metrics.add(
                counter(
                        "memory_faults",
                        "Turns that met guest memory gone away.",
                        labels,
                        now.memoryFaults()));
        metrics.add(
                counter("failures", "Exceptions thrown by our own code.", labels, now.failures()));
        metrics.add(
                gauge("active_pollers", "Devices polled every turn.", labels, now.activePollers()));
        metrics.add(
                gauge(
                        "parked_pollers",
                        "Devices that wait to be rung.",
                        labels,
                        now.parkedPollers()));
        metrics.add(
                gauge(
                        "delegated_requests",
                        "Requests that threads of the kernel or our own carry out for it.",
                        labels,
                        now.delegatedRequests()));
    }

    private static Metric counter(
            String name, String help, Map<String, String> labels, double value) {
        return new Metric(
                "vireo_reactor_" + name + "_total", help, Metric.Type.COUNTER, labels, value);
    }

    private static Metric gauge(String name, String help, Map<String, String> labels, long value) {
        return new Metric("vireo_reactor_" + name, help, Metric.Type.GAUGE, labels, value);
    }
}
