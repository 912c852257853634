package io.vireo.api;

import io.vireo.api.Route.Answer;
import io.vireo.api.Route.Parameter;
import io.vireo.control.Applied;
import io.vireo.control.ControlPlane;
import io.vireo.control.KindHandle;
import io.vireo.control.KindRegistry;
import io.vireo.control.View;
import io.vireo.control.codec.Manifest;
import io.vireo.control.codec.ResourceCodec;
import io.vireo.control.codec.SpecBinder;
import io.vireo.control.event.Event;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.MetricSource;
import io.vireo.resource.Names;
import io.vireo.resource.Operation;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** All operations, for a set of kinds. */
final class RouteTable {
    private static final String JSON = "application/json";
    private static final String MERGE_PATCH = "application/merge-patch+json";
    private static final List<String> CONDITIONS =
            List.of("If-Match", "If-None-Match", "If-Unmodified-Since");
    private static final int MAX_ITEMS = 1000;

    private final Supplier<ControlPlane> plane;
    private final ResourceCodec codec;
    private final String version;
    private final List<Route> routes = new ArrayList<>();

    private RouteTable(Supplier<ControlPlane> plane, KindRegistry kinds, String version) {
        this.plane = plane;
        this.codec = new ResourceCodec(kinds);
        this.version = version;
    }

    /** The operations on a control plane. */
    static List<Route> of(
            ControlPlane control, List<MetricSource> metrics, String version, String openApi) {
        var page = new MetricsPage(control, metrics);
        return build(() -> control, control.kinds(), version, page::text, () -> openApi);
    }

    /** The same operations without anything behind them, to be described. */
    static List<Route> describe(KindRegistry kinds) {
        Supplier<ControlPlane> none =
                () -> {
                    throw new IllegalStateException("these routes are for description only");
                };
        return build(none, kinds, "", () -> "", () -> "");
    }

    private static List<Route> build(
            Supplier<ControlPlane> plane,
            KindRegistry kinds,
            String version,
            Supplier<String> metrics,
            Supplier<String> openApi) {
        var table = new RouteTable(plane, kinds, version);
        kinds.all().forEach(table::addKind);
        table.addBatches();
        table.addService(metrics, openApi);
        return List.copyOf(table.routes);
    }

    private ControlPlane control() {
        return plane.get();
    }

    private void addKind(KindHandle<?> handle) {
        String kind = handle.kind().kind();
        String all = "/v1/" + handle.kind().plural();
        String one = all + "/{name}";
        routes.add(
                Route.get(
                                all,
                                "list" + kind,
                                kind,
                                "List all.",
                                Answer.json(kind + "List"),
                                exchange -> list(handle, exchange))
                        .with(
                                new Parameter(
                                        "view",
                                        "'table' gives columns and rows for people instead")));
        routes.add(
                Route.get(
                        one,
                        "get" + kind,
                        kind,
                        "Read one.",
                        Answer.json(kind),
                        exchange -> read(handle, exchange)));
        handle.kind().streams().forEach(offer -> addStream(handle, one, offer));
        handle.kind().operations().forEach(operation -> addOperation(handle, one, operation));
        if (!handle.kind().derived()) {
            addWrites(handle, one);
        }
    }

    private void addWrites(KindHandle<?> handle, String one) {
        String kind = handle.kind().kind();
        routes.add(
                Route.write(
                                "PUT",
                                one,
                                "put" + kind,
                                kind,
                                "Create or replace one.",
                                Answer.json(kind),
                                exchange -> {
                                    refuseConditions(exchange);
                                    return put(handle, exchange, exchange.body(List.of(JSON)));
                                })
                        .accepting(JSON, kind));
        routes.add(
                Route.write(
                                "PATCH",
                                one,
                                "patch" + kind,
                                kind,
                                "Change parts of one (RFC 7396).",
                                Answer.json(kind),
                                exchange -> patch(handle, exchange))
                        .accepting(MERGE_PATCH, "Patch"));
        routes.add(
                Route.write(
                        "DELETE",
                        one,
                        "delete" + kind,
                        kind,
                        "Stop and delete one.",
                        Answer.json(kind),
                        exchange -> delete(handle, exchange)));
    }

    private void addStream(KindHandle<?> handle, String one, LiveStream.Offer offer) {
        String kind = handle.kind().kind();
        routes.add(
                Route.get(
                                one + "/" + offer.name(),
                                offer.name() + kind,
                                kind,
                                offer.summary(),
                                Answer.text(offer.mediaType()),
                                exchange -> stream(handle, offer, exchange))
                        .with(parameters(offer.parameters())));
    }

    private void addOperation(KindHandle<?> handle, String one, Operation operation) {
        String kind = handle.kind().kind();
        routes.add(
                Route.write(
                                "POST",
                                one + "/" + operation.name(),
                                operation.name() + kind,
                                kind,
                                operation.summary(),
                                Answer.json("OperationResult"),
                                exchange -> operate(handle, operation, exchange))
                        .with(parameters(operation.parameters())));
    }

    private static Parameter[] parameters(List<io.vireo.resource.Parameter> parameters) {
        return parameters.stream()
                .map(each -> new Parameter(each.name(), each.description()))
                .toArray(Parameter[]::new);
    }

    private void addBatches() {
        routes.add(
                Route.write(
                                "POST",
                                "/v1/apply",
                                "apply",
                                "Batch",
                                "Create or replace all of these or none.",
                                Answer.json("ApplyResult"),
                                exchange -> apply(manifests(exchange)))
                        .accepting(JSON, "Batch"));
        routes.add(
                Route.write(
                                "POST",
                                "/v1/plan",
                                "plan",
                                "Batch",
                                "Tell what applying these would do; changes nothing.",
                                Answer.json("Plan"),
                                exchange ->
                                        Reply.ok(
                                                Representation.plan(
                                                        control().plan(manifests(exchange)))))
                        .accepting(JSON, "Batch"));
        routes.add(
                Route.write(
                                "POST",
                                "/v1/delete",
                                "delete",
                                "Batch",
                                "Stop and delete all of these or none.",
                                Answer.json("DeleteResult"),
                                this::deleteBatch)
                        .accepting(JSON, "References"));
        routes.add(
                Route.get(
                                "/v1/events",
                                "events",
                                "Events",
                                "Follow what happens, as server-sent events.",
                                Answer.text("text/event-stream"),
                                this::events)
                        .with(
                                new Parameter("kind", "only of this kind"),
                                new Parameter("name", "only of resources with this name"),
                                new Parameter(
                                        "replay",
                                        "'true': begin with the events that are still kept"),
                                new Parameter(
                                        "until", "'now': end after the events that are there")));
    }

    private void addService(Supplier<String> metrics, Supplier<String> openApi) {
        routes.add(
                Route.get(
                        "/v1",
                        "discover",
                        "Service",
                        "Version and kinds.",
                        Answer.json("Discovery"),
                        _ -> Reply.ok(discovery())));
        routes.add(
                Route.get(
                        "/openapi.json",
                        "openApi",
                        "Service",
                        "This description.",
                        Answer.text(JSON),
                        _ -> new Reply.Text(JSON, openApi.get())));
        routes.add(
                Route.get(
                        "/metrics",
                        "metrics",
                        "Service",
                        "Metrics in Prometheus' text format.",
                        Answer.text("text/plain"),
                        _ -> new Reply.Text(MetricsPage.MEDIA_TYPE, metrics.get())));
        routes.add(
                Route.get(
                                "/healthz",
                                "healthy",
                                "Service",
                                "Whether the daemon lives.",
                                Answer.text("text/plain"),
                                _ -> new Reply.Text("text/plain", "ok\n"))
                        .withoutAuthentication());
        routes.add(
                Route.get(
                                "/readyz",
                                "ready",
                                "Service",
                                "Whether all that is declared is up.",
                                Answer.text("text/plain"),
                                _ -> readiness())
                        .withoutAuthentication());
    }

    private Reply readiness() {
        if (!control().ready()) {
            throw new ResourceException(
                    ErrorCode.NOT_READY,
                    "some resources are not ready; see the status of each, or 'vireo get all'");
        }
        return new Reply.Text("text/plain", "ready\n");
    }

    private ObjectNode discovery() {
        List<ObjectNode> kinds =
                control().kinds().all().stream().map(Representation::kind).toList();
        return Representation.items(
                kinds, Map.of("apiVersion", ResourceCodec.API_VERSION, "version", version));
    }

    private Reply list(KindHandle<?> handle, Exchange exchange) {
        List<View> views = control().list(handle.kind().kind());
        boolean table = exchange.query("view").filter("table"::equals).isPresent();
        return Reply.ok(
                table ? Representation.table(handle, views) : Representation.list(codec, views));
    }

    private Reference reference(KindHandle<?> handle, Exchange exchange) {
        return reference(handle.kind().kind(), exchange.path("name"));
    }

    private static Reference reference(String kind, String name) {
        if (!Names.isLabel(name) && !Names.isDerived(name)) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "this is not the name of a resource: "
                            + Names.problem(name).orElse("it has too many parts"));
        }
        return new Reference(kind, name);
    }

    private Reply read(KindHandle<?> handle, Exchange exchange) {
        return Reply.ok(Representation.resource(codec, control().get(reference(handle, exchange))));
    }

    private Reply stream(KindHandle<?> handle, LiveStream.Offer offer, Exchange exchange) {
        Map<String, String> given = queries(exchange, offer.parameters());
        LiveStream stream = control().stream(reference(handle, exchange), offer, given);
        return new Reply.Stream(offer.mediaType(), stream::writeTo);
    }

    private Reply operate(KindHandle<?> handle, Operation operation, Exchange exchange) {
        Map<String, String> given = queries(exchange, operation.parameters());
        return Reply.ok(
                Representation.names(
                        control().operate(reference(handle, exchange), operation, given)));
    }

    private static Map<String, String> queries(
            Exchange exchange, List<io.vireo.resource.Parameter> parameters) {
        return exchange.queries(
                parameters.stream().map(io.vireo.resource.Parameter::name).toList());
    }

    /** A change that was to be made on a condition is not made without it. */
    private static void refuseConditions(Exchange exchange) {
        for (String header : CONDITIONS) {
            if (exchange.header(header).isPresent()) {
                throw new ResourceException(
                        ErrorCode.INVALID,
                        header
                                + " is not looked at here; give metadata.revision as you read it, and a"
                                + " change is made only if that is still the resource's");
            }
        }
    }

    private Reply put(KindHandle<?> handle, Exchange exchange, JsonNode body) {
        Reference target = reference(handle, exchange);
        Manifest manifest = bind(List.of(body), false).getFirst();
        if (!manifest.reference().equals(target)) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "the path names "
                            + target
                            + ", the body "
                            + manifest.reference()
                            + "; make them equal");
        }
        Applied applied = control().apply(List.of(manifest)).getFirst();
        int status = applied.outcome() == Applied.Outcome.UNCHANGED ? 200 : 202;
        return new Reply.Json(status, Representation.resource(codec, control().get(target)));
    }

    private Reply patch(KindHandle<?> handle, Exchange exchange) {
        refuseConditions(exchange);
        JsonNode patch = exchange.body(List.of(MERGE_PATCH, JSON));
        ObjectNode current = codec.write(control().get(reference(handle, exchange)).resource());
        return put(handle, exchange, MergePatch.apply(current, patch));
    }

    private Reply delete(KindHandle<?> handle, Exchange exchange) {
        refuseConditions(exchange);
        Reference target = reference(handle, exchange);
        ObjectNode before = Representation.resource(codec, control().get(target));
        control().delete(List.of(target));
        return new Reply.Json(202, before);
    }

    private List<Manifest> manifests(Exchange exchange) {
        List<JsonNode> items = items(exchange.body(List.of(JSON)));
        return items.isEmpty() ? List.of() : bind(items, true);
    }

    private static List<JsonNode> items(JsonNode body) {
        JsonNode items = body.path("items");
        if (!items.isArray()) {
            throw new ResourceException(
                    ErrorCode.INVALID, "the body must be an object with a list 'items'");
        }
        if (items.size() > MAX_ITEMS) {
            throw new ResourceException(
                    ErrorCode.TOO_LARGE,
                    "there are " + items.size() + " items; send at most " + MAX_ITEMS + " at once");
        }
        return List.copyOf(items.values());
    }

    private List<Manifest> bind(List<JsonNode> documents, boolean batch) {
        var binder = new SpecBinder();
        List<Manifest> manifests = new ArrayList<>();
        for (int i = 0; i < documents.size(); i++) {
            codec.manifest(documents.get(i), batch ? "/items/" + i : "", binder)
                    .ifPresent(manifests::add);
        }
        if (!binder.violations().isEmpty()) {
            throw ControlPlane.invalid(binder.violations());
        }
        return manifests;
    }

    private Reply apply(List<Manifest> manifests) {
        List<ObjectNode> results = new ArrayList<>();
        for (Applied applied : control().apply(manifests)) {
            Reference reference = applied.resource().reference();
            ObjectNode node = codec.write(applied.resource());
            results.add(
                    node.objectNode()
                            .put("kind", reference.kind())
                            .put("name", reference.name())
                            .put("outcome", applied.outcome().name())
                            .put("generation", applied.resource().metadata().generation())
                            .put("revision", applied.resource().metadata().revision()));
        }
        return Reply.ok(Representation.items(results, Map.of()));
    }

    private Reply deleteBatch(Exchange exchange) {
        List<Reference> targets = new ArrayList<>();
        for (JsonNode item : items(exchange.body(List.of(JSON)))) {
            String kind = control().kinds().byKind(item.path("kind").asString()).kind().kind();
            targets.add(reference(kind, item.path("name").asString()));
        }
        List<ObjectNode> results = new ArrayList<>();
        control()
                .delete(targets)
                .forEach(resource ->
                        results.add(
                                codec.write(resource)
                                        .objectNode()
                                        .put("kind", resource.kind())
                                        .put("name", resource.metadata().name())));
        return Reply.ok(Representation.items(results, Map.of()));
    }

    private Reply events(Exchange exchange) {
        Optional<String> wanted =
                exchange.query("kind").map(name -> control().kinds().byKind(name).kind().kind());
        Predicate<Event> kind = filter(wanted, event -> event.subject().kind());
        Predicate<Event> name = filter(exchange.query("name"), event -> event.subject().name());
        Optional<String> last = exchange.header("Last-Event-ID");
        Optional<Long> known = last.flatMap(control().events()::sequence);
        boolean replay = exchange.query("replay").filter("true"::equals).isPresent();
        long after =
                known.orElseGet(
                        () -> replay ? control().events().oldest() - 1 : control().events().last());
        boolean follow = exchange.query("until").filter("now"::equals).isEmpty();
        boolean reset = last.isPresent() && known.isEmpty();
        return new Reply.Stream(
                "text/event-stream",
                new EventStream(control().events(), after, reset, follow, kind.and(name)));
    }

    private static Predicate<Event> filter(
            Optional<String> wanted, Function<Event, String> property) {
        return wanted.<Predicate<Event>>map(text -> event -> property.apply(event).equals(text))
                .orElse(_ -> true);
    }
}
