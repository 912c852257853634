package io.vireo.api;

import io.vireo.control.KindHandle;
import io.vireo.control.View;
import io.vireo.control.codec.ResourceCodec;
import io.vireo.control.event.Event;
import io.vireo.control.event.EventLog;
import io.vireo.control.plan.Change;
import io.vireo.control.plan.DryRun;
import io.vireo.resource.Column;
import io.vireo.resource.Condition;
import io.vireo.resource.Metric;
import io.vireo.resource.Spec;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What the control plane tells, as JSON. */
final class Representation {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private Representation() {}

    static ObjectNode resource(ResourceCodec codec, View view) {
        ObjectNode node = codec.write(view.resource());
        ObjectNode status = node.putObject("status");
        status.put("observedGeneration", view.observedGeneration());
        if (view.stalled()) {
            status.put("stalled", true);
        }
        ArrayNode conditions = status.putArray("conditions");
        for (Condition condition : view.conditions()) {
            ObjectNode each = conditions.addObject();
            each.put("type", condition.type());
            each.put("status", condition.met() ? "True" : "False");
            each.put("reason", condition.reason());
            each.put("message", condition.message());
            if (condition.type().equals(Condition.READY)) {
                each.put("lastTransitionAt", view.readySince().toString());
            }
        }
        if (!view.attributes().isEmpty()) {
            ObjectNode attributes = status.putObject("attributes");
            view.attributes().forEach(attributes::put);
        }
        if (!view.metrics().isEmpty()) {
            ObjectNode counters = status.putObject("metrics");
            view.metrics().forEach(metric -> counters.put(title(metric), metric.value()));
        }
        return node;
    }

    private static String title(Metric metric) {
        if (metric.labels().isEmpty()) {
            return metric.name();
        }
        StringBuilder title = new StringBuilder(metric.name()).append('{');
        new TreeMap<>(metric.labels())
                .forEach((name, value) ->
                        title.append(name).append("=\"").append(value).append("\","));
        title.setLength(title.length() - 1);
        return title.append('}').toString();
    }

    static ObjectNode list(ResourceCodec codec, List<View> views) {
        ObjectNode node = JSON.objectNode();
        node.put("apiVersion", ResourceCodec.API_VERSION);
        node.put("kind", "List");
        ArrayNode items = node.putArray("items");
        views.forEach(view -> items.add(resource(codec, view)));
        return node;
    }

    static ObjectNode table(KindHandle<?> kind, List<View> views) {
        ObjectNode node = JSON.objectNode();
        ArrayNode columns = node.putArray("columns");
        for (Column<? extends Spec> column : kind.kind().columns()) {
            columns.addObject().put("name", column.name()).put("wide", column.wide());
        }
        ArrayNode rows = node.putArray("rows");
        for (View view : views) {
            ObjectNode row = rows.addObject();
            row.put("name", view.resource().metadata().name());
            ArrayNode cells = row.putArray("cells");
            view.cells().values().forEach(cells::add);
            Condition ready = view.conditions().getFirst();
            row.put("ready", ready.met());
            row.put("reason", ready.reason());
            row.put("message", message(view.conditions()));
            row.put("createdAt", view.resource().metadata().createdAt().toString());
        }
        return node;
    }

    /** Why a resource is not ready, or what else is wrong with it. */
    private static String message(List<Condition> conditions) {
        Condition ready = conditions.getFirst();
        return !ready.met() || !ready.message().isEmpty()
                ? ready.message()
                : conditions.stream()
                        .filter(condition -> !condition.met())
                        .map(Condition::message)
                        .filter(message -> !message.isEmpty())
                        .findFirst()
                        .orElse("");
    }

    static ObjectNode kind(KindHandle<?> kind) {
        ObjectNode node = JSON.objectNode();
        node.put("kind", kind.kind().kind());
        node.put("plural", kind.kind().plural());
        ArrayNode names = node.putArray("shortNames");
        kind.kind().shortNames().forEach(names::add);
        node.put("description", kind.kind().description());
        node.put("derived", kind.kind().derived());
        return node;
    }

    static ObjectNode plan(List<DryRun.Step> steps) {
        ObjectNode node = JSON.objectNode();
        ArrayNode array = node.putArray("actions");
        for (DryRun.Step step : steps) {
            ObjectNode each = array.addObject();
            each.put("verb", step.action().verb().name());
            each.put("kind", step.action().target().kind());
            each.put("name", step.action().target().name());
            each.put("effect", step.effect().name());
            each.put("reason", step.action().reason());
            if (!step.changes().isEmpty()) {
                ArrayNode changes = each.putArray("changes");
                step.changes().forEach(change -> write(changes.addObject(), change));
            }
        }
        return node;
    }

    private static void write(ObjectNode node, Change change) {
        node.put("field", change.field());
        change.before().ifPresent(value -> node.set("before", value));
        change.after().ifPresent(value -> node.set("after", value));
    }

    static ObjectNode event(EventLog log, Event event) {
        ObjectNode node = JSON.objectNode();
        node.put("id", log.id(event.sequence()));
        node.put("time", event.time().toString());
        node.put("type", event.type().name());
        node.put("kind", event.subject().kind());
        node.put("name", event.subject().name());
        node.put("reason", event.reason());
        node.put("message", event.message());
        return node;
    }

    /** Names in a list called {@code items}. */
    static ObjectNode names(List<String> names) {
        ObjectNode node = JSON.objectNode();
        ArrayNode items = node.putArray("items");
        names.forEach(items::add);
        return node;
    }

    /** Objects in a list called {@code items}. */
    static ObjectNode items(List<ObjectNode> objects, Map<String, String> more) {
        ObjectNode node = JSON.objectNode();
        more.forEach(node::put);
        ArrayNode items = node.putArray("items");
        objects.forEach(items::add);
        return node;
    }
}
