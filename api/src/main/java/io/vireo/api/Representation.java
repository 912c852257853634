package io.vireo.api;

import io.vireo.control.KindHandle;
import io.vireo.control.View;
import io.vireo.control.codec.ResourceCodec;
import io.vireo.control.event.Event;
import io.vireo.control.event.EventLog;
import io.vireo.control.plan.Action;
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
            row.put("message", ready.message());
            row.put("createdAt", view.resource().metadata().createdAt().toString());
        }
        return node;
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

    static ObjectNode actions(List<Action> actions) {
        ObjectNode node = JSON.objectNode();
        ArrayNode array = node.putArray("actions");
        for (Action action : actions) {
            ObjectNode each = array.addObject();
            each.put("verb", action.verb().name());
            each.put("kind", action.target().kind());
            each.put("name", action.target().name());
            each.put("reason", action.reason());
        }
        return node;
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
