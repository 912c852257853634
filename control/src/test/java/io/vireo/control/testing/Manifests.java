package io.vireo.control.testing;

import io.vireo.control.ControlPlane;
import io.vireo.control.codec.Manifest;
import io.vireo.control.codec.ResourceCodec;
import io.vireo.control.codec.SpecBinder;
import io.vireo.resource.Condition;
import io.vireo.resource.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Resources written as JSON with single quotes. */
public final class Manifests {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private Manifests() {}

    public static JsonNode json(String text) {
        return MAPPER.readTree(text.replace('\'', '"'));
    }

    public static JsonNode resource(String kind, String name, String spec) {
        return json(
                "{'apiVersion':'vireo/v1','kind':'"
                        + kind
                        + "','metadata':{'name':'"
                        + name
                        + "'},'spec':"
                        + spec
                        + "}");
    }

    /** Binds; fails the test if anything is a violation. */
    public static List<Manifest> manifests(ResourceCodec codec, JsonNode... nodes) {
        var binder = new SpecBinder();
        List<Manifest> manifests = new ArrayList<>();
        for (JsonNode node : nodes) {
            codec.manifest(node, "", binder).ifPresent(manifests::add);
        }
        if (!binder.violations().isEmpty()) {
            throw new AssertionError(binder.violations().toString());
        }
        return manifests;
    }

    public static void apply(ControlPlane control, JsonNode... nodes) {
        control.apply(manifests(control.codec(), nodes));
    }

    public static JsonNode network(String name) {
        return resource("Network", name, "{}");
    }

    public static JsonNode pool(String name) {
        return resource("Pool", name, "{'path':'/srv/" + name + "'}");
    }

    public static JsonNode vdisk(String name, String pool) {
        return resource("Vdisk", name, "{'pool':'" + pool + "','size':'1Gi'}");
    }

    /** A profile with one card, eth0, and one disk, disk0. */
    public static JsonNode profile(String name, String network, String vdisk) {
        return resource(
                "ServerProfile",
                name,
                "{'vnics':[{'name':'eth0','network':'"
                        + network
                        + "'}],"
                        + "'vdisks':[{'name':'disk0','vdisk':'"
                        + vdisk
                        + "','bootOrder':1}]}");
    }

    /** Waits until all that is declared is ready. */
    public static void awaitReady(ControlPlane control) {
        await(control::ready, () -> "not ready: " + unready(control));
    }

    private static String unready(ControlPlane control) {
        return control.all().stream()
                .filter(view -> !view.ready())
                .map(view -> view.resource().reference() + " " + view.conditions().getFirst())
                .toList()
                .toString();
    }

    /** The ready condition of a resource. */
    public static Condition ready(ControlPlane control, Reference reference) {
        return control.get(reference).conditions().getFirst();
    }

    /** Waits for something that must come about; the limit is far beyond what any machine needs. */
    public static void await(BooleanSupplier done, Supplier<String> otherwise) {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!done.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(otherwise.get());
            }
            try {
                Thread.sleep(2);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
        }
    }
}
