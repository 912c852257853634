package io.vireo.api;

import io.vireo.control.ControlPlane;
import io.vireo.control.View;
import io.vireo.resource.Metric;
import io.vireo.resource.MetricSource;
import io.vireo.resource.Names;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** All metrics in Prometheus' text format, version 0.0.4. */
final class MetricsPage {
    static final String MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private final ControlPlane control;
    private final List<MetricSource> sources;

    MetricsPage(ControlPlane control, List<MetricSource> sources) {
        this.control = control;
        this.sources = List.copyOf(sources);
    }

    /** A snapshot; metrics of one name are next to each other, as the format demands. */
    String text() {
        List<Metric> all = new ArrayList<>();
        for (View view : control.all()) {
            collect(view, all);
        }
        all.add(
                Metric.counter(
                        "vireo_events_total",
                        "Events since the start of the daemon.",
                        control.events().last()));
        sources.forEach(source -> all.addAll(source.metrics()));
        Map<String, List<Metric>> byName = new TreeMap<>();
        all.forEach(metric ->
                byName.computeIfAbsent(metric.name(), _ -> new ArrayList<>()).add(metric));
        StringBuilder page = new StringBuilder();
        byName.values().forEach(family -> write(family, page));
        return page.toString();
    }

    private static void collect(View view, List<Metric> all) {
        Map<String, String> subject = subject(view);
        Map<String, String> kind = new TreeMap<>(Map.of("kind", view.resource().kind()));
        kind.put("name", view.resource().metadata().name());
        all.add(
                new Metric(
                        "vireo_resource_ready",
                        "Whether the desired state of the resource is in force.",
                        Metric.Type.GAUGE,
                        kind,
                        view.ready() ? 1 : 0));
        String prefix = "vireo_" + snakeCase(view.resource().kind()) + "_";
        for (Metric metric : view.metrics()) {
            Map<String, String> labels = new TreeMap<>(metric.labels());
            labels.putAll(subject);
            all.add(
                    new Metric(
                            prefix + metric.name(),
                            metric.help(),
                            metric.type(),
                            labels,
                            metric.value()));
        }
    }

    /** The labels that say which resource it is. */
    private static Map<String, String> subject(View view) {
        String name = view.resource().metadata().name();
        if (!Names.isDerived(name)) {
            return Map.of("name", name);
        }
        int dot = name.indexOf('.');
        return Map.of("profile", name.substring(0, dot), "device", name.substring(dot + 1));
    }

    static String snakeCase(String kind) {
        return kind.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
    }

    private static void write(List<Metric> family, StringBuilder page) {
        Metric first = family.getFirst();
        page.append("# HELP ").append(first.name()).append(' ');
        page.append(first.help().replace("\\", "\\\\").replace("\n", "\\n")).append('\n');
        page.append("# TYPE ").append(first.name()).append(' ');
        page.append(first.type().name().toLowerCase(Locale.ROOT)).append('\n');
        for (Metric metric : family) {
            page.append(metric.name());
            if (!metric.labels().isEmpty()) {
                page.append('{');
                new TreeMap<>(metric.labels())
                        .forEach((name, value) ->
                                page.append(name)
                                        .append("=\"")
                                        .append(escape(value))
                                        .append("\","));
                page.setLength(page.length() - 1);
                page.append('}');
            }
            page.append(' ').append(number(metric.value())).append('\n');
        }
    }

    private static String escape(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }

    private static String number(double value) {
        boolean whole = value == Math.rint(value) && Math.abs(value) < 1e15;
        return whole ? Long.toString((long) value) : Double.toString(value);
    }
}
