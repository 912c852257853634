package io.vireo.control.testing;

import io.vireo.control.profile.ServerProfileKind;
import io.vireo.resource.Column;
import io.vireo.resource.Condition;
import io.vireo.resource.Progress;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Spec;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Wait;
import io.vireo.resource.spec.AclSpec;
import io.vireo.resource.spec.DiskQosPolicySpec;
import io.vireo.resource.spec.IscsiPortalSpec;
import io.vireo.resource.spec.IscsiTargetSpec;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.MirrorSpec;
import io.vireo.resource.spec.NetworkSpec;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.resource.spec.QosPolicySpec;
import io.vireo.resource.spec.SnapshotGroupSpec;
import io.vireo.resource.spec.SnapshotScheduleSpec;
import io.vireo.resource.spec.SnapshotSpec;
import io.vireo.resource.spec.UplinkSpec;
import io.vireo.resource.spec.VdiskAttachmentSpec;
import io.vireo.resource.spec.VdiskExportSpec;
import io.vireo.resource.spec.VdiskRollbackSpec;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.resource.spec.VhbaSpec;
import io.vireo.resource.spec.VnicSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** A host without devices: all kinds of the product with nothing behind them. */
public final class FakeWorld {
    private volatile boolean reclaimed;
    private final List<String> journal = Collections.synchronizedList(new ArrayList<>());
    private final Map<Reference, Deque<RuntimeException>> failures = new ConcurrentHashMap<>();
    private final Map<Reference, UpdateResult> updates = new ConcurrentHashMap<>();
    private final Map<Reference, FakeRealization> running = new ConcurrentHashMap<>();
    private final List<Runnable> heldCloses = Collections.synchronizedList(new ArrayList<>());
    private volatile boolean holdCloses;
    private volatile boolean openBeside;
    private volatile boolean holdOpening;
    private volatile Optional<Wait> awaited = Optional.empty();

    /** All kinds. */
    public List<ResourceKind<?>> kinds() {
        return List.of(
                kind(
                        Kinds.NETWORK,
                        "networks",
                        List.of("net"),
                        NetworkSpec.class,
                        false,
                        FakeWorld::networkUses),
                kind(Kinds.UPLINK, "uplinks", List.of(), UplinkSpec.class, false, _ -> List.of()),
                kind(
                        Kinds.QOS_POLICY,
                        "qospolicies",
                        List.of("qos"),
                        QosPolicySpec.class,
                        false,
                        _ -> List.of()),
                kind(Kinds.ACL, "acls", List.of(), AclSpec.class, false, _ -> List.of()),
                kind(Kinds.MIRROR, "mirrors", List.of(), MirrorSpec.class, false, _ -> List.of()),
                kind(Kinds.POOL, "pools", List.of(), PoolSpec.class, false, _ -> List.of()),
                kind(
                        Kinds.VDISK,
                        "vdisks",
                        List.of("disk"),
                        VdiskSpec.class,
                        false,
                        FakeWorld::vdiskUses),
                kind(
                        Kinds.SNAPSHOT,
                        "snapshots",
                        List.of("snap"),
                        SnapshotSpec.class,
                        false,
                        spec -> List.of(new Reference(Kinds.VDISK, spec.vdisk()))),
                kind(
                        Kinds.SNAPSHOT_GROUP,
                        "snapshotgroups",
                        List.of("snapgroup"),
                        SnapshotGroupSpec.class,
                        false,
                        spec -> vdisks(spec.vdisks())),
                kind(
                        Kinds.SNAPSHOT_SCHEDULE,
                        "snapshotschedules",
                        List.of("schedule"),
                        SnapshotScheduleSpec.class,
                        false,
                        spec -> vdisks(spec.vdisks())),
                kind(
                        Kinds.VDISK_ROLLBACK,
                        "vdiskrollbacks",
                        List.of("rollback"),
                        VdiskRollbackSpec.class,
                        false,
                        spec ->
                                List.of(
                                        new Reference(Kinds.VDISK, spec.vdisk()),
                                        new Reference(Kinds.SNAPSHOT, spec.snapshot()))),
                kind(
                        Kinds.VDISK_EXPORT,
                        "vdiskexports",
                        List.of(),
                        VdiskExportSpec.class,
                        false,
                        spec -> List.of(new Reference(Kinds.VDISK, spec.vdisk()))),
                kind(
                        Kinds.DISK_QOS_POLICY,
                        "diskqospolicies",
                        List.of(),
                        DiskQosPolicySpec.class,
                        false,
                        _ -> List.of()),
                kind(Kinds.VNIC, "vnics", List.of(), VnicSpec.class, true, FakeWorld::vnicUses),
                kind(
                        Kinds.VDISK_ATTACHMENT,
                        "vdiskattachments",
                        List.of("vda"),
                        VdiskAttachmentSpec.class,
                        true,
                        FakeWorld::attachmentUses),
                kind(
                        Kinds.VHBA,
                        "vhbas",
                        List.of("hba"),
                        VhbaSpec.class,
                        false,
                        FakeWorld::vhbaUses),
                kind(
                        Kinds.ISCSI_PORTAL,
                        "iscsiportals",
                        List.of(),
                        IscsiPortalSpec.class,
                        false,
                        _ -> List.of()),
                kind(
                        Kinds.ISCSI_TARGET,
                        "iscsitargets",
                        List.of(),
                        IscsiTargetSpec.class,
                        false,
                        FakeWorld::targetUses),
                new ServerProfileKind());
    }

    private static List<Reference> networkUses(NetworkSpec spec) {
        return spec.uplink().map(name -> new Reference(Kinds.UPLINK, name)).stream().toList();
    }

    private static List<Reference> vdisks(List<String> names) {
        return names.stream().map(name -> new Reference(Kinds.VDISK, name)).toList();
    }

    private static List<Reference> vdiskUses(VdiskSpec spec) {
        return List.of(new Reference(Kinds.POOL, spec.pool()));
    }

    private static List<Reference> vnicUses(VnicSpec spec) {
        return List.of(new Reference(Kinds.NETWORK, spec.network()));
    }

    private static List<Reference> attachmentUses(VdiskAttachmentSpec spec) {
        return List.of(new Reference(Kinds.VDISK, spec.vdisk()));
    }

    private static List<Reference> vhbaUses(VhbaSpec spec) {
        return spec.references();
    }

    private static List<Reference> targetUses(IscsiTargetSpec spec) {
        List<Reference> uses = new ArrayList<>();
        uses.add(new Reference(Kinds.VHBA, spec.vhba()));
        spec.portals().forEach(portal -> uses.add(new Reference(Kinds.ISCSI_PORTAL, portal)));
        return uses;
    }

    private <S extends Spec> ResourceKind<S> kind(
            String kind,
            String plural,
            List<String> shortNames,
            Class<S> type,
            boolean derived,
            Function<S, List<Reference>> references) {
        List<Column<S>> columns =
                List.of(
                        Column.wide("SPEC", (spec, _) -> spec.toString().substring(0, 8)),
                        Column.attribute("PROGRESS", Progress.PROGRESS));
        return new FakeKind<>(this, kind, plural, shortNames, type, derived, references, columns);
    }

    /** What was done, like "realize Network/lan". */
    public List<String> journal() {
        synchronized (journal) {
            return List.copyOf(journal);
        }
    }

    public void clearJournal() {
        journal.clear();
    }

    /** Whether it was asked for leftovers: what is declared from then on is none of that. */
    public boolean wasReclaimed() {
        return reclaimed;
    }

    void reclaimed() {
        reclaimed = true;
    }

    void note(String what, Reference target) {
        journal.add(what + " " + target);
    }

    /** Lets the next realize, update or destroy of a resource fail; several calls queue up. */
    public void failNext(Reference target, RuntimeException failure) {
        failures.computeIfAbsent(target, _ -> new ArrayDeque<>()).add(failure);
    }

    void throwIfToldTo(Reference target) {
        Deque<RuntimeException> queued = failures.get(target);
        RuntimeException next = queued == null ? null : queued.poll();
        if (next != null) {
            throw next;
        }
    }

    /** What the next updates of a resource answer. */
    public void answerUpdates(Reference target, UpdateResult result) {
        updates.put(target, result);
    }

    UpdateResult update(Reference target) {
        return updates.getOrDefault(target, UpdateResult.IN_PLACE);
    }

    /**
     * From now on pools are opened beside the reconciler, which waits for {@link #releaseOpening}.
     */
    public void holdOpening() {
        openBeside = true;
        holdOpening = true;
    }

    /** Lets pools be opened. */
    public void releaseOpening() {
        holdOpening = false;
    }

    /** What pools that are being opened wait for; empty: nothing. */
    public void waitFor(Optional<Wait> what) {
        awaited = what;
    }

    Optional<Condition> beside(Spec spec) {
        return openBeside && spec instanceof PoolSpec
                ? Optional.of(new Condition(Condition.READY, false, "Opening", "It is opened."))
                : Optional.empty();
    }

    /** Tells of progress for as long as it is held. */
    void open(Reference reference, RealizeContext context) {
        if (openBeside && reference.kind().equals(Kinds.POOL)) {
            do {
                context.progress(
                        awaited.map(what -> Progress.waiting("open", what))
                                .orElseGet(() -> new Progress("open", 42, 100, 0)));
                Thread.onSpinWait();
            } while (holdOpening);
        }
    }

    /** Makes closes wait until {@link #releaseCloses}. */
    public void holdCloses() {
        holdCloses = true;
    }

    /** Completes all closes that wait, and lets later ones complete at once. */
    public void releaseCloses() {
        holdCloses = false;
        List<Runnable> held;
        synchronized (heldCloses) {
            held = List.copyOf(heldCloses);
            heldCloses.clear();
        }
        held.forEach(Runnable::run);
    }

    void closing(FakeRealization realization, Runnable onClosed) {
        note("close", realization.reference());
        Runnable close =
                () -> {
                    running.remove(realization.reference());
                    onClosed.run();
                };
        if (holdCloses) {
            heldCloses.add(close);
        } else {
            close.run();
        }
    }

    void started(FakeRealization realization) {
        FakeRealization other = running.put(realization.reference(), realization);
        if (other != null) {
            throw new IllegalStateException(realization.reference() + " runs twice");
        }
    }

    /** What runs, by reference. */
    public Map<Reference, FakeRealization> running() {
        return new LinkedHashMap<>(running);
    }

    /** One that runs; fails the test if it does not. */
    public FakeRealization running(Reference reference) {
        FakeRealization found = running.get(reference);
        if (found == null) {
            throw new AssertionError(reference + " does not run");
        }
        return found;
    }

    static Status status(Reference reference, Spec spec) {
        Map<String, String> attributes = new LinkedHashMap<>();
        if (spec instanceof VnicSpec vnic) {
            attributes.put(
                    Status.SOCKET, vnic.socketPath().orElse(socket(vnic.profile(), vnic.device())));
        }
        if (spec instanceof VdiskAttachmentSpec disk) {
            attributes.put(
                    Status.SOCKET, disk.socketPath().orElse(socket(disk.profile(), disk.device())));
        }
        if (spec instanceof VhbaSpec) {
            attributes.put(Status.SOCKET, "/run/vireo/" + reference.name() + ".sock");
        }
        if (spec instanceof IscsiPortalSpec portal) {
            attributes.put("address", portal.address() + ":" + portal.port());
        }
        if (spec instanceof IscsiTargetSpec target) {
            attributes.put("target", target.targetName().orElse("iqn.2026-11.test:x"));
        }
        attributes.put("uses", reference.name());
        return new Status(List.of(), attributes, List.of());
    }

    private static String socket(String profile, String device) {
        return "/run/vireo/" + profile + "/" + device + ".sock";
    }
}
