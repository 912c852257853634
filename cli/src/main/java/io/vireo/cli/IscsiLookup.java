package io.vireo.cli;

import io.vireo.cli.attach.IscsiTargetAccess;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Finds out by which targets a vHBA is reached. */
final class IscsiLookup {
    private static final Set<String> ALL_ADDRESSES = Set.of("0.0.0.0", "[::]");

    private final ApiClient client;
    private final @Nullable String address;

    /**
     * A look-up.
     *
     * @param address what servers reach portals by that listen at all addresses
     */
    IscsiLookup(ApiClient client, @Nullable String address) {
        this.client = client;
        this.address = address;
    }

    /**
     * The targets that show a vHBA.
     *
     * @throws CliException if there is none, or a portal is not up
     */
    List<IscsiTargetAccess> targets(String vhba) {
        List<IscsiTargetAccess> found = new ArrayList<>();
        OptionalInt bootLun = bootLun(client.get(ApiClient.path("vhbas", vhba)).path("spec"));
        for (JsonNode target : client.get("/v1/iscsitargets").path("items")) {
            if (target.path("spec").path("vhba").asString("").equals(vhba)) {
                found.add(access(target, bootLun));
            }
        }
        if (found.isEmpty()) {
            throw new CliException(
                    ExitCode.FAILED,
                    "no IscsiTarget shows the vHBA " + vhba + "; declare one, with an IscsiPortal");
        }
        return found;
    }

    /** The LUN that a vHBA boots from. */
    static OptionalInt bootLun(JsonNode spec) {
        for (JsonNode lun : spec.path("luns")) {
            if (lun.path("boot").asBoolean(false)) {
                return OptionalInt.of(lun.path("lun").asInt());
            }
        }
        return OptionalInt.empty();
    }

    private IscsiTargetAccess access(JsonNode target, OptionalInt bootLun) {
        JsonNode spec = target.path("spec");
        List<String> initiators = new ArrayList<>();
        spec.path("initiators").forEach(name -> initiators.add(name.asString()));
        List<IscsiTargetAccess.Portal> portals = new ArrayList<>();
        spec.path("portals").forEach(name -> portals.add(portal(name.asString())));
        return new IscsiTargetAccess(
                attribute(target, "target"), initiators, portals, chap(spec.path("chap")), bootLun);
    }

    private static Optional<IscsiTargetAccess.Chap> chap(JsonNode chap) {
        if (!chap.isObject()) {
            return Optional.empty();
        }
        return Optional.of(
                new IscsiTargetAccess.Chap(
                        chap.path("user").asString(),
                        chap.path("secret").asString(),
                        text(chap.path("targetUser")),
                        text(chap.path("targetSecret"))));
    }

    private static Optional<String> text(JsonNode value) {
        return value.isString() ? Optional.of(value.asString()) : Optional.empty();
    }

    private IscsiTargetAccess.Portal portal(String name) {
        JsonNode portal = client.get(ApiClient.path("iscsiportals", name));
        String listening = attribute(portal, "address");
        int colon = listening.lastIndexOf(':');
        String host = listening.substring(0, colon);
        if (ALL_ADDRESSES.contains(host)) {
            if (address == null) {
                throw new CliException(
                        ExitCode.USAGE,
                        "the portal "
                                + name
                                + " listens at all addresses; say by --address which one the server reaches");
            }
            host =
                    address.contains(":") && !address.startsWith("[")
                            ? "[" + address + "]"
                            : address;
        }
        return new IscsiTargetAccess.Portal(
                host,
                Integer.parseInt(listening.substring(colon + 1)),
                portal.path("spec").path("group").asInt(1));
    }

    private static String attribute(JsonNode resource, String name) {
        String value = resource.path("status").path("attributes").path(name).asString("");
        if (value.isEmpty()) {
            throw new CliException(
                    ExitCode.FAILED,
                    resource.path("kind").asString()
                            + "/"
                            + resource.path("metadata").path("name").asString()
                            + " does not run yet; wait until it is ready");
        }
        return value;
    }
}
