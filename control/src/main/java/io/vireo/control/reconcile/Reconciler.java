package io.vireo.control.reconcile;

import io.vireo.control.KindHandle;
import io.vireo.control.KindRegistry;
import io.vireo.control.Resource;
import io.vireo.control.Services;
import io.vireo.control.plan.Action;
import io.vireo.control.plan.Planner;
import io.vireo.control.plan.Running;
import io.vireo.control.plan.Wanted;
import io.vireo.control.reconcile.Actual.Entry;
import io.vireo.control.store.StoreException;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.UpdateResult;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings what runs to what is wanted, one pass at a time. A pass looks at the present state only,
 * so that it does not matter which event woke it, and an event that is lost costs nothing. {@link
 * ReconcilerThread} calls {@link #pass}.
 */
public final class Reconciler {
    private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);

    private static final long MEND_NANOS = 1_000_000_000L;

    private final KindRegistry kinds;
    private final Services services;
    private final Host host;
    private final Runnable wake;
    private final Observations observations;

    private final Actual actual = new Actual();
    private final Mending mending =
            new Mending((reference, e) -> LOG.error("mending {} failed", reference, e));
    private final Attempts attempts = new Attempts(this::failed);
    private final ConcurrentLinkedQueue<Entry> closed = new ConcurrentLinkedQueue<>();

    /** What is realized beside the reconciler and has ended, or waits for something else. */
    private final ConcurrentLinkedQueue<Reference> undertaken = new ConcurrentLinkedQueue<>();

    private volatile Map<Reference, Running> running = Map.of();
    private boolean first = true;

    /**
     * @param wake asks for another pass soon; called from any thread
     */
    public Reconciler(
            KindRegistry kinds, Services services, Host host, InstantSource clock, Runnable wake) {
        this.kinds = kinds;
        this.services = services;
        this.host = host;
        this.wake = wake;
        observations = new Observations(host, clock);
    }

    /** What is known of a resource. Any thread. */
    public Optional<Observed> observed(Reference reference) {
        return observations.of(reference);
    }

    /**
     * Tries again soon, with their parts, what failed of these resources, also what is not tried
     * again by itself: the cause may be gone. Any thread.
     */
    public void retry(Collection<Reference> references) {
        attempts.ask(references);
        wake.run();
    }

    /** Whether a resource, or what it is a part of, is to be tried again soon. Any thread. */
    public boolean isAsked(Resource resource) {
        return attempts.isAsked(resource);
    }

    /** What runs, for a dry run of the plan. Any thread. */
    public Map<Reference, Running> running() {
        return running;
    }

    /** The form of desired state that the planner compares. */
    public static Map<Reference, Wanted> wanted(Desired desired) {
        Map<Reference, Wanted> wanted = new TreeMap<>();
        desired.run()
                .forEach((reference, resource) ->
                        wanted.put(
                                reference,
                                new Wanted(
                                        resource.metadata().uid(),
                                        resource.spec(),
                                        desired.references().getOrDefault(reference, Set.of()))));
        return wanted;
    }

    /**
     * Does all that can be done now.
     *
     * @return nanoseconds until the next retry is due; {@link Long#MAX_VALUE} if none is
     */
    public long pass(long nowNanos) {
        boolean changed = first;
        if (first) {
            reclaim(host.desired());
        }
        attempts.forgetAsked(host.desired(), observations::resume);
        boolean progress = true;
        while (progress) {
            Desired desired = host.desired();
            forgetGone(desired);
            progress = reap() | settle(nowNanos);
            adoptMetadata(desired);
            for (Action action : Planner.plan(wanted(desired), actual.running())) {
                progress |= perform(action, desired, nowNanos);
            }
            progress |= removeStopped(desired, nowNanos);
            changed |= progress;
        }
        first = false;
        running = actual.running();
        if (changed) {
            attemptStore(() -> host.stillRunning(actual.specs()));
        }
        observations.publishChanged(actual::realization);
        long untilNext = attempts.untilNext(nowNanos);
        return mend() ? untilNext : Math.min(untilNext, MEND_NANOS);
    }

    /** Whether all that runs has what it needs of the host. */
    private boolean mend() {
        mending.retain(actual.references());
        boolean whole = true;
        for (Reference target : actual.references()) {
            Entry entry = actual.get(target);
            if (entry != null && entry.isToStay()) {
                whole &= mending.isWhole(target, entry.realization);
            }
        }
        return whole;
    }

    /** When nothing is desired the daemon is about to stop, and everything stays as it is. */
    private void reclaim(Desired desired) {
        if (desired == Desired.NOTHING) {
            return;
        }
        var declared =
                Stream.concat(desired.run().values().stream(), desired.remove().values().stream())
                        .toList();
        for (var kind : kinds.all()) {
            try {
                kind.reclaim(declared, context(new Reference(kind.kind().kind(), "*"), true));
            } catch (RuntimeException e) {
                LOG.warn("what is left of kind {} stays: {}", kind.kind().kind(), message(e));
            }
        }
    }

    /** Whether nothing runs any more. */
    public boolean idle() {
        return running.isEmpty() && closed.isEmpty();
    }

    /** Takes away what has finished closing. */
    private boolean reap() {
        boolean any = false;
        for (Entry entry = closed.poll(); entry != null; entry = closed.poll()) {
            actual.remove(entry.resource.reference());
            if (entry.takenOut) {
                discard(entry.resource);
            }
            any = true;
        }
        return any;
    }

    /** Takes up what was realized beside the reconciler, and says what that waits for. */
    private boolean settle(long nowNanos) {
        boolean any = false;
        for (var target = undertaken.poll(); target != null; target = undertaken.poll()) {
            Entry entry = actual.get(target);
            if (entry == null
                    || entry.closing
                    || !(entry.realization instanceof Undertaking undertaking)) {
                continue;
            }
            if (!undertaking.hasEnded()) {
                meanwhile(target, undertaking);
            } else {
                actual.remove(target);
                attempts.run(
                        entry.resource,
                        false,
                        nowNanos,
                        () -> {
                            entry.realization = undertaking.result();
                            started(entry);
                        });
                any = true;
            }
        }
        return any;
    }

    /** Nobody waits for it, so it is tried once. */
    private void discard(Resource part) {
        try {
            kinds.byKind(part.kind()).destroy(part.metadata(), part.spec(), context(part));
        } catch (RuntimeException e) {
            LOG.warn("{} leaves something behind: {}", part.reference(), message(e));
        }
    }

    /** A change that leaves the spec alone (labels, or the spec of a sibling) needs no action. */
    private void adoptMetadata(Desired desired) {
        actual.forEach((reference, entry) -> {
            Resource wanted = desired.run().get(reference);
            if (wanted != null
                    && entry.isRealized()
                    && !wanted.metadata().equals(entry.resource.metadata())
                    && wanted.metadata().uid().equals(entry.resource.metadata().uid())
                    && wanted.spec().equals(entry.resource.spec())) {
                entry.resource = wanted;
                attempts.forget(reference);
                ready(reference, entry, "Realized", "");
            }
        });
    }

    private boolean perform(Action action, Desired desired, long nowNanos) {
        Reference target = action.target();
        if (action.verb() == Action.Verb.DELETE) {
            return delete(target, action.reason(), desired);
        }
        Resource resource = desired.run().get(target);
        if (resource == null || waits(resource, desired, nowNanos)) {
            return false;
        }
        return switch (action.verb()) {
            case CREATE -> create(resource, desired, nowNanos);
            case UPDATE -> update(resource, desired, nowNanos);
            case DELETE -> false;
        };
    }

    private boolean delete(Reference target, String reason, Desired desired) {
        Entry entry = actual.get(target);
        if (entry == null || entry.closing || actual.isUsed(target)) {
            return false;
        }
        boolean comesBack = desired.run().containsKey(target);
        // When the daemon stops nothing is desired, and everything stays as it is.
        entry.takenOut =
                entry.resource.metadata().owner().isPresent()
                        && desired != Desired.NOTHING
                        && !comesBack
                        && !desired.remove().containsKey(target);
        entry.closing = true;
        LOG.info(
                "stopping {}: {}", target, desired == Desired.NOTHING ? "the daemon ends" : reason);
        notReady(
                target,
                0,
                comesBack ? "Restarting" : "Terminating",
                comesBack
                        ? "it is stopped and will be started again: " + reason
                        : "it is being stopped",
                Optional.of(entry.realization),
                Optional.empty());
        try {
            entry.realization.close(() -> {
                closed.add(entry);
                wake.run();
            });
        } catch (RuntimeException e) {
            // Its own callback may still come; until then it counts as running, so that nothing it
            // uses is torn away.
            LOG.error("stopping {} failed", target, e);
            notReady(
                    target,
                    0,
                    "CloseFailed",
                    message(e),
                    Optional.of(entry.realization),
                    Optional.empty());
        }
        return !closed.isEmpty();
    }

    /** Whether a resource must wait, for what it refers to or for its next attempt. */
    private boolean waits(Resource resource, Desired desired, long nowNanos) {
        Reference target = resource.reference();
        for (Reference needed : desired.references().getOrDefault(target, Set.of())) {
            if (actual.realized(needed).isEmpty()) {
                awaits(resource, needed, Optional.ofNullable(desired.run().get(needed)));
                return true;
            }
        }
        return attempts.block(resource, false, nowNanos);
    }

    private void awaits(Resource resource, Reference needed, Optional<Resource> wanted) {
        Optional<Observed> other = observed(needed);
        String why =
                other.map(known -> known.ready().message())
                        .filter(message -> !message.isEmpty())
                        .map(message -> ": " + message)
                        .orElse("");
        boolean inVain =
                wanted.filter(each -> other.filter(known -> known.isStalled(each)).isPresent())
                        .isPresent();
        Reference target = resource.reference();
        observations.note(
                target,
                0,
                new Condition(
                        Condition.READY, false, "DependencyNotReady", "waits for " + needed + why),
                actual.realization(target),
                inVain ? Optional.of(resource) : Optional.empty());
    }

    private boolean create(Resource resource, Desired desired, long nowNanos) {
        Reference target = resource.reference();
        if (actual.contains(target)) {
            return false;
        }
        Set<Reference> references = desired.references().getOrDefault(target, Set.of());
        KindHandle<?> kind = kinds.byKind(resource.kind());
        Optional<Condition> meanwhile = kind.realizedBeside(resource.spec());
        if (meanwhile.isPresent()) {
            undertake(resource, references, meanwhile.get());
            return true;
        }
        return attempts.run(
                resource,
                false,
                nowNanos,
                () -> {
                    Realization realization =
                            kind.realize(resource.metadata(), resource.spec(), context(resource));
                    started(new Entry(resource, references, realization));
                });
    }

    private void started(Entry entry) {
        Reference target = entry.resource.reference();
        actual.put(entry);
        attemptStore(() -> host.markProvisioned(entry.resource));
        LOG.info("started {}", target);
        ready(target, entry, "Realized", "");
    }

    /** Has it be realized beside the reconciler; what it refers to is realized. */
    private void undertake(Resource resource, Set<Reference> references, Condition meanwhile) {
        Reference target = resource.reference();
        Runnable news =
                () -> {
                    undertaken.add(target);
                    wake.run();
                };
        var undertaking = new Undertaking(target, meanwhile, news);
        Map<Reference, Realization> needed = new HashMap<>();
        references.forEach(each ->
                actual.realized(each).ifPresent(realization -> needed.put(each, realization)));
        actual.put(new Entry(resource, references, undertaking));
        meanwhile(target, undertaking);
        KindHandle<?> kind = kinds.byKind(resource.kind());
        Context context =
                context(
                        target,
                        host.provisioned(resource),
                        undertaking::tell,
                        each -> Optional.ofNullable(needed.get(each)));
        undertaking.start(() -> kind.realize(resource.metadata(), resource.spec(), context), news);
    }

    private void meanwhile(Reference target, Undertaking undertaking) {
        observations.note(
                target, 0, undertaking.meanwhile(), Optional.of(undertaking), Optional.empty());
    }

    private boolean update(Resource resource, Desired desired, long nowNanos) {
        Reference target = resource.reference();
        Entry entry = actual.get(target);
        if (entry == null || !entry.isRealized()) {
            return false;
        }
        Set<Reference> references = desired.references().getOrDefault(target, Set.of());
        return attempts.run(resource, false, nowNanos, () -> change(entry, resource, references));
    }

    private void change(Entry entry, Resource resource, Set<Reference> references) {
        Reference target = resource.reference();
        UpdateResult result =
                kinds.byKind(resource.kind())
                        .update(
                                entry.realization,
                                resource.metadata(),
                                entry.resource.spec(),
                                resource.spec(),
                                context(resource));
        switch (result) {
            case UpdateResult.InPlace() -> {
                entry.resource = resource;
                entry.references = references;
                LOG.info("changed {}", target);
                ready(target, entry, "Realized", "");
            }
            case UpdateResult.Recreate(String reason) -> {
                LOG.info("restarting {}: {}", target, reason);
                entry.doom = Optional.of(reason);
            }
            case UpdateResult.Refused(String reason) -> refuse(resource, entry, reason);
        }
    }

    private void refuse(Resource resource, Entry entry, String reason) {
        attempts.refuse(resource);
        notReady(
                resource.reference(),
                entry.resource.metadata().generation(),
                "UpdateRefused",
                reason,
                Optional.of(entry.realization),
                Optional.of(resource));
    }

    private void failed(
            Resource resource,
            ErrorCode code,
            RuntimeException cause,
            boolean first,
            boolean again) {
        Reference target = resource.reference();
        if (first && code == ErrorCode.INTERNAL) {
            LOG.error("{} failed", target, cause);
        } else if (first) {
            LOG.warn("{} failed: {}", target, message(cause));
        }
        Entry entry = actual.get(target);
        notReady(
                target,
                entry == null ? 0 : entry.resource.metadata().generation(),
                code.reason(),
                message(cause),
                actual.realization(target),
                again ? Optional.empty() : Optional.of(resource));
    }

    private static String message(RuntimeException e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    /** Destroys and forgets what has stopped and is to be removed. */
    private boolean removeStopped(Desired desired, long nowNanos) {
        boolean progress = false;
        for (Resource resource : desired.remove().values()) {
            Reference target = resource.reference();
            if (!actual.contains(target)
                    && !actual.hasPart(target)
                    && !attempts.block(resource, true, nowNanos)
                    && !isFoundSoon(resource)) {
                progress |= attempts.run(resource, true, nowNanos, () -> destroy(resource));
            }
        }
        return progress;
    }

    /** Whether what it has left is in something that is being realized. */
    private boolean isFoundSoon(Resource resource) {
        return host.provisioned(resource)
                && kinds.byKind(resource.kind()).references(resource.spec()).stream()
                        .anyMatch(actual::isUnderWay);
    }

    private void destroy(Resource resource) {
        kinds.byKind(resource.kind())
                .destroy(resource.metadata(), resource.spec(), context(resource));
        host.remove(resource);
        LOG.info("removed {}", resource.reference());
    }

    private Context context(Resource resource) {
        return context(resource.reference(), host.provisioned(resource));
    }

    private Context context(Reference subject, boolean provisioned) {
        return context(subject, provisioned, _ -> {}, actual::realized);
    }

    private Context context(
            Reference subject,
            boolean provisioned,
            Consumer<Progress> told,
            Function<Reference, Optional<Realization>> available) {
        return new Context(
                subject,
                services,
                provisioned,
                () -> {
                    observations.changed(subject);
                    wake.run();
                },
                told,
                available);
    }

    private void ready(Reference target, Entry entry, String reason, String message) {
        observations.note(
                target,
                entry.resource.metadata().generation(),
                new Condition(Condition.READY, true, reason, message),
                Optional.of(entry.realization),
                Optional.empty());
    }

    private void notReady(
            Reference target,
            long generation,
            String reason,
            String message,
            Optional<Realization> realization,
            Optional<Resource> stalled) {
        observations.note(
                target,
                generation,
                new Condition(Condition.READY, false, reason, message),
                realization,
                stalled);
    }

    private void forgetGone(Desired desired) {
        Set<Reference> known = new HashSet<>(desired.run().keySet());
        known.addAll(desired.remove().keySet());
        attempts.retain(known);
        known.addAll(actual.references());
        observations.keep(known, actual.references());
    }

    private void attemptStore(Runnable work) {
        try {
            work.run();
        } catch (StoreException e) {
            LOG.warn("the store failed, which is tried again later: {}", e.getMessage());
        }
    }
}
