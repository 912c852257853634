package io.vireo.control;

import io.vireo.control.codec.Manifest;
import io.vireo.control.identity.Identities;
import io.vireo.control.identity.IdentitySort;
import io.vireo.control.identity.VhbaIdentities;
import io.vireo.control.profile.ProfileIdentities;
import io.vireo.control.profile.ProfileRules;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Names;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Spec;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.IscsiTargetSpec;
import io.vireo.resource.spec.ServerProfileSpec;
import io.vireo.resource.spec.VhbaSpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Decides whether declared resources may come in, all of them or none, and what they look like
 * then. Changes nothing: the caller commits the result.
 */
final class Admission {
    private final KindRegistry kinds;
    private final Image before;
    private final Identities.Draft identities;
    private final Instant now;
    private final List<Violation> violations = new ArrayList<>();

    Admission(KindRegistry kinds, Image before, Identities.Draft identities, Instant now) {
        this.kinds = kinds;
        this.before = before;
        this.identities = identities;
        this.now = now;
    }

    /**
     * What would be.
     *
     * @param after desired state with the changes
     * @param applied one for each manifest, in their order
     */
    record Verdict(Image after, List<Applied> applied) {}

    /**
     * Checks manifests together: they may refer to each other in any order.
     *
     * @throws ResourceException if any of them is refused
     */
    Verdict admit(List<Manifest> manifests) {
        Set<Reference> seen = new HashSet<>();
        for (int i = 0; i < manifests.size(); i++) {
            checkName(manifests.get(i), at(manifests, i));
            if (!seen.add(manifests.get(i).reference())) {
                violations.add(
                        new Violation(
                                at(manifests, i),
                                manifests.get(i).reference() + " is there twice; keep one"));
            }
        }
        refuseIfViolated();
        manifests.forEach(this::takeNames);
        List<Applied> applied = new ArrayList<>();
        for (int i = 0; i < manifests.size(); i++) {
            applied.add(admit(manifests.get(i), at(manifests, i)));
        }
        refuseIfViolated();
        Map<Reference, Resource> stored = new TreeMap<>(before.stored());
        applied.forEach(each -> stored.put(each.resource().reference(), each.resource()));
        Image after = new Image(kinds, stored);
        for (int i = 0; i < applied.size(); i++) {
            checkReferences(
                    applied.get(i).resource(), after, applied.size() == 1 ? "" : "/items/" + i);
        }
        for (int i = 0; i < applied.size(); i++) {
            checkParts(applied.get(i).resource(), after, applied.size() == 1 ? "" : "/items/" + i);
        }
        refuseIfViolated();
        ProfileRules.check(
                after.stored().values().stream().filter(each -> !Image.deleting(each)).toList());
        return new Verdict(after, applied);
    }

    private static String at(List<Manifest> manifests, int index) {
        return manifests.size() == 1 ? "" : "/items/" + index;
    }

    private void refuseIfViolated() {
        if (!violations.isEmpty()) {
            throw invalid(violations);
        }
    }

    /** The exception for violations, with the first of them as its message. */
    static ResourceException invalid(List<Violation> violations) {
        Violation first = violations.getFirst();
        String more = violations.size() == 1 ? "" : " (and " + (violations.size() - 1) + " more)";
        String where = first.pointer().isEmpty() ? "" : first.pointer() + ": ";
        return ResourceException.invalid(where + first.message() + more, violations);
    }

    private void checkName(Manifest manifest, String at) {
        KindHandle<?> kind = kinds.byKind(manifest.kind());
        Reference reference = manifest.reference();
        Optional<Reference> profile =
                before.find(reference).flatMap(found -> found.metadata().owner());
        if (kind.kind().derived() || profile.isPresent()) {
            String owner = profile.map(Reference::toString).orElse("a ServerProfile");
            violations.add(
                    new Violation(
                            at + "/kind",
                            reference + " is derived and cannot be written; change " + owner));
        } else {
            Names.problem(manifest.name())
                    .ifPresent(problem ->
                            violations.add(new Violation(at + "/metadata/name", problem)));
        }
    }

    private Applied admit(Manifest manifest, String at) {
        Optional<Resource> existing =
                Optional.ofNullable(before.stored().get(manifest.reference()));
        existing.ifPresent(resource -> checkUnchanged(manifest, resource));
        if (existing.isEmpty() && manifest.revision().orElse(0) != 0) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    manifest.reference()
                            + " was deleted since you read it; leave metadata.revision out to create it anew");
        }
        Spec spec = withIdentities(manifest, existing);
        boolean sameSpec = existing.isPresent() && existing.get().spec().equals(spec);
        Metadata metadata = metadata(manifest, existing, sameSpec);
        KindHandle<?> kind = kinds.byKind(manifest.kind());
        kind.validate(metadata, spec).forEach(violation -> add(at, violation));
        if (existing.isPresent() && !sameSpec) {
            kind.validateUpdate(metadata, existing.get().spec(), spec)
                    .forEach(violation -> add(at, violation));
        }
        var resource = new Resource(manifest.kind(), metadata, spec);
        if (existing.isEmpty()) {
            return new Applied(resource, Applied.Outcome.CREATED);
        }
        boolean unchanged = existing.get().equals(resource);
        return unchanged
                ? new Applied(existing.get(), Applied.Outcome.UNCHANGED)
                : new Applied(resource, Applied.Outcome.CHANGED);
    }

    private void add(String at, Violation violation) {
        violations.add(new Violation(at + violation.pointer(), violation.message()));
    }

    private static void checkUnchanged(Manifest manifest, Resource existing) {
        if (Image.deleting(existing)) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    existing.reference() + " is being deleted; try again when it is gone");
        }
        long revision = existing.metadata().revision();
        if (manifest.revision().orElse(revision) != revision) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    existing.reference()
                            + " has changed since revision "
                            + manifest.revision().getAsLong()
                            + "; read it again and repeat the change",
                    Map.of("revision", Long.toString(revision)));
        }
    }

    private Spec withIdentities(Manifest manifest, Optional<Resource> existing) {
        String name = manifest.name();
        Optional<Spec> before = existing.map(Resource::spec);
        return switch (manifest.spec()) {
            case ServerProfileSpec spec ->
                    new ProfileIdentities(
                                    name, before.map(ServerProfileSpec.class::cast), identities)
                            .assign(spec);
            case VhbaSpec spec ->
                    VhbaIdentities.assign(
                            name, name, spec, before.map(VhbaSpec.class::cast), identities);
            default -> manifest.spec();
        };
    }

    /**
     * Takes names that are fixed, before any is drawn. A target that has a name of its own shares
     * it with other targets of its vHBA only.
     */
    private void takeNames(Manifest manifest) {
        String name = manifest.name();
        Optional<Resource> existing =
                Optional.ofNullable(before.stored().get(manifest.reference()));
        switch (manifest.spec()) {
            case ServerProfileSpec spec ->
                    new ProfileIdentities(
                                    name,
                                    existing.map(each -> (ServerProfileSpec) each.spec()),
                                    identities)
                            .take(spec);
            case VhbaSpec spec ->
                    VhbaIdentities.take(
                            name,
                            name,
                            spec,
                            existing.map(each -> (VhbaSpec) each.spec()),
                            identities);
            case IscsiTargetSpec spec ->
                    spec.targetName()
                            .ifPresent(target ->
                                    identities.take(IdentitySort.IQN, target, spec.vhba()));
            default -> {}
        }
    }

    private Metadata metadata(Manifest manifest, Optional<Resource> existing, boolean sameSpec) {
        if (existing.isEmpty()) {
            return new Metadata(
                    manifest.name(),
                    manifest.labels(),
                    manifest.annotations(),
                    UUID.randomUUID().toString(),
                    1,
                    0,
                    now,
                    now,
                    Optional.empty(),
                    Optional.empty());
        }
        Metadata old = existing.get().metadata();
        boolean same =
                sameSpec
                        && old.labels().equals(manifest.labels())
                        && old.annotations().equals(manifest.annotations());
        return new Metadata(
                manifest.name(),
                manifest.labels(),
                manifest.annotations(),
                old.uid(),
                sameSpec ? old.generation() : old.generation() + 1,
                old.revision(),
                old.createdAt(),
                same ? old.updatedAt() : now,
                Optional.empty(),
                Optional.empty());
    }

    /** What is part of a resource stays while others refer to it. */
    private void checkParts(Resource resource, Image after, String at) {
        for (Resource part : before.owned(resource.reference())) {
            if (after.find(part.reference()).isEmpty()) {
                List<Reference> users = after.users(part.reference());
                if (!users.isEmpty()) {
                    violations.add(
                            new Violation(
                                    at + "/spec",
                                    part.reference()
                                            + " cannot be taken out, as "
                                            + users.getFirst()
                                            + " refers to it; change or delete that first"));
                }
            }
        }
    }

    private void checkReferences(Resource resource, Image after, String at) {
        for (Reference needed : after.references(resource.reference())) {
            Optional<Resource> found = after.find(needed);
            if (found.isEmpty()) {
                violations.add(
                        new Violation(
                                at + "/spec",
                                "refers to "
                                        + needed
                                        + ", which does not exist; create it first or together with this"));
            } else if (Image.deleting(found.get())) {
                violations.add(
                        new Violation(
                                at + "/spec", "refers to " + needed + ", which is being deleted"));
            }
        }
        if (after.isCircular(resource.reference())) {
            violations.add(
                    new Violation(at + "/spec", "refers, directly or through others, to itself"));
        }
    }
}
