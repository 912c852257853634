package io.vireo.control.profile;

import io.vireo.resource.Column;
import io.vireo.resource.Metadata;
import io.vireo.resource.Passive;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.Presentation;
import io.vireo.resource.spec.ServerProfileSpec;
import io.vireo.resource.spec.ServerProfileSpec.Disk;
import io.vireo.resource.spec.ServerProfileSpec.Hba;
import io.vireo.resource.spec.ServerProfileSpec.Nic;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/** The kind ServerProfile. It runs nothing itself; the resources that it expands to do. */
public final class ServerProfileKind implements ResourceKind<ServerProfileSpec> {
    @Override
    public String kind() {
        return Kinds.SERVER_PROFILE;
    }

    @Override
    public String plural() {
        return "profiles";
    }

    @Override
    public List<String> shortNames() {
        return List.of("profile", "sp");
    }

    @Override
    public String description() {
        return "The virtual I/O of one server: its network cards, disks and host bus adapters, with identities that stay with it.";
    }

    @Override
    public Class<ServerProfileSpec> specType() {
        return ServerProfileSpec.class;
    }

    @Override
    public List<Reference> references(ServerProfileSpec spec) {
        Set<Reference> references = new TreeSet<>();
        spec.vnics()
                .forEach(nic -> {
                    references.add(new Reference(Kinds.NETWORK, nic.network()));
                    nic.policy().ifPresent(policy -> references.addAll(policy.references()));
                });
        spec.vnics().stream()
                .flatMap(nic -> nic.qosPolicy().stream())
                .forEach(policy -> references.add(new Reference(Kinds.QOS_POLICY, policy)));
        spec.vdisks().forEach(disk -> references.add(new Reference(Kinds.VDISK, disk.vdisk())));
        spec.vhbas().forEach(hba -> references.addAll(hba.adapter().references()));
        return List.copyOf(references);
    }

    @Override
    public List<Violation> validate(Metadata metadata, ServerProfileSpec spec) {
        List<Violation> violations = new ArrayList<>();
        Set<String> names = new HashSet<>();
        Set<Integer> bootOrders = new HashSet<>();
        for (int i = 0; i < spec.vnics().size(); i++) {
            Nic nic = spec.vnics().get(i);
            String at = "/spec/vnics/" + i;
            validate(nic, at, names, violations);
            bootPlace(nic.bootOrder(), at, bootOrders, violations);
        }
        Set<String> disks = new HashSet<>();
        for (int i = 0; i < spec.vdisks().size(); i++) {
            Disk disk = spec.vdisks().get(i);
            String at = "/spec/vdisks/" + i;
            unique(names, disk.name(), at, violations);
            path(disk.socketPath(), at + "/socketPath", violations);
            if (!disks.add(disk.vdisk())) {
                violations.add(new Violation(at + "/vdisk", "is attached to this profile already"));
            }
            bootPlace(disk.bootOrder(), at, bootOrders, violations);
        }
        for (int i = 0; i < spec.vhbas().size(); i++) {
            validate(spec.vhbas().get(i), "/spec/vhbas/" + i, names, bootOrders, violations);
        }
        return violations;
    }

    private static void validate(
            Hba hba,
            String at,
            Set<String> names,
            Set<Integer> bootOrders,
            List<Violation> violations) {
        unique(names, hba.name(), at, violations);
        path(hba.socketPath(), at + "/socketPath", violations);
        violations.addAll(hba.adapter().violations(at));
        OptionalInt place = hba.bootPlace();
        bootPlace(place, at, bootOrders, violations);
        if (place.isEmpty() && hba.bootOrder().isPresent()) {
            violations.add(
                    new Violation(
                            at + "/bootOrder",
                            "is for a boot LUN: mark one with boot, or leave it out"));
        }
    }

    private static void bootPlace(
            OptionalInt place, String at, Set<Integer> taken, List<Violation> violations) {
        if (place.isPresent() && !taken.add(place.getAsInt())) {
            violations.add(
                    new Violation(
                            at + "/bootOrder",
                            place.getAsInt()
                                    + " is the place of another device already: give this one another"));
        }
    }

    private static void validate(
            Nic nic, String at, Set<String> names, List<Violation> violations) {
        unique(names, nic.name(), at, violations);
        path(nic.socketPath(), at + "/socketPath", violations);
        path(nic.qmp(), at + "/qmp", violations);
        validatePresentation(nic, at, violations);
        if (nic.vlan().isPresent() && !nic.trunk().isEmpty()) {
            violations.add(
                    new Violation(
                            at + "/vlan", "cannot be given together with trunk; a card is either"));
        }
        if (nic.nativeVlan().isPresent() && nic.trunk().isEmpty()) {
            violations.add(
                    new Violation(
                            at + "/nativeVlan", "is for trunks only; give trunk too, or use vlan"));
        }
        nic.policy().ifPresent(policy -> violations.addAll(policy.violations(at + "/policy")));
    }

    private static void validatePresentation(Nic nic, String at, List<Violation> violations) {
        if (nic.presentation() == Presentation.TAP) {
            if (nic.socketPath().isPresent()) {
                violations.add(
                        new Violation(
                                at + "/socketPath",
                                "is for presentation vhost-user: leave it out"));
            }
            if (nic.qmp().isPresent()) {
                violations.add(
                        new Violation(at + "/qmp", "is for presentation vhost-user: leave it out"));
            }
            if (nic.speed().isPresent()) {
                violations.add(
                        new Violation(
                                at + "/speed", "is for presentation vhost-user: leave it out"));
            }
            if (nic.bootOrder().isPresent()) {
                violations.add(
                        new Violation(
                                at + "/bootOrder",
                                "is for presentation vhost-user: the host does not boot from its own cards"));
            }
        } else {
            nic.interfaceName()
                    .or(nic::namespace)
                    .ifPresent(_ ->
                            violations.add(
                                    new Violation(
                                            at + "/presentation",
                                            "has to be tap for a card with an interfaceName or a namespace")));
        }
    }

    /** What was made for a card of the host would be left behind. */
    @Override
    public List<Violation> validateUpdate(
            Metadata metadata, ServerProfileSpec oldSpec, ServerProfileSpec newSpec) {
        List<Violation> violations = new ArrayList<>();
        for (int i = 0; i < newSpec.vnics().size(); i++) {
            Nic nic = newSpec.vnics().get(i);
            String at = "/spec/vnics/" + i;
            oldSpec.vnics().stream()
                    .filter(old -> old.name().equals(nic.name()) && !samePlace(old, nic))
                    .forEach(_ ->
                            violations.add(
                                    new Violation(
                                            at + "/presentation",
                                            "cannot change, nor can interfaceName and namespace: take the card out and"
                                                    + " add another")));
        }
        return violations;
    }

    private static boolean samePlace(Nic old, Nic nic) {
        return old.presentation() == nic.presentation()
                && old.interfaceName().equals(nic.interfaceName())
                && old.namespace().equals(nic.namespace());
    }

    private static void unique(
            Set<String> names, String name, String at, List<Violation> violations) {
        if (!names.add(name)) {
            violations.add(
                    new Violation(
                            at + "/name", "is the name of another device of this profile already"));
        }
    }

    private static void path(Optional<String> path, String at, List<Violation> violations) {
        path.map(Path::of)
                .filter(socket ->
                        !socket.equals(socket.normalize()) || socket.getFileName() == null)
                .ifPresent(_ ->
                        violations.add(
                                new Violation(at, "must name a file, without '.' and '..'")));
    }

    @Override
    public List<Column<ServerProfileSpec>> columns() {
        return List.of(
                Column.of("VNICS", (spec, _) -> Integer.toString(spec.vnics().size())),
                Column.of("VDISKS", (spec, _) -> Integer.toString(spec.vdisks().size())),
                Column.of("VHBAS", (spec, _) -> Integer.toString(spec.vhbas().size())),
                Column.wide(
                        "NETWORKS",
                        (spec, _) ->
                                String.join(
                                        ",",
                                        new TreeSet<>(
                                                spec.vnics().stream()
                                                        .map(Nic::network)
                                                        .toList()))));
    }

    @Override
    public Realization realize(Metadata metadata, ServerProfileSpec spec, RealizeContext context) {
        return Passive.RECORD;
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            ServerProfileSpec oldSpec,
            ServerProfileSpec newSpec,
            RealizeContext context) {
        return UpdateResult.IN_PLACE;
    }
}
