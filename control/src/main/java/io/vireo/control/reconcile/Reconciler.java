package io.vireo.control.reconcile;

import io.vireo.control.KindHandle;
import io.vireo.control.KindRegistry;
import io.vireo.control.Resource;
import io.vireo.control.Services;
import io.vireo.control.plan.Action;
import io.vireo.control.plan.Planner;
import io.vireo.control.plan.Running;
import io.vireo.control.plan.Wanted;
import io.vireo.control.store.StoreException;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Spec;
import io.vireo.resource.UpdateResult;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
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

    private final Map<Reference, Entry> actual = new TreeMap<>();
    private final Mending mending =
            new Mending((reference, e) -> LOG.error("mending {} failed", reference, e));
    private final Map<Reference, Attempt> attempts = new HashMap<>();

    /** What somebody asked for again, from any thread, to be tried again in the next pass. */
    private final Queue<Reference> asked = new ConcurrentLinkedQueue<>();

    private final ConcurrentLinkedQueue<Entry> closed = new ConcurrentLinkedQueue<>();

    /** What is realized beside the reconciler and has ended, or waits for something else. */
    private final ConcurrentLinkedQueue<Reference> undertaken = new ConcurrentLinkedQueue<>();

    private volatile Map<Reference, Running> running = Map.of();
    private boolean first = true;

    /** A running resource, or one that is being realized beside the reconciler. */
    private static final class Entry {
        Realization realization;
        Resource resource;
        Set<Reference> references;

        /** Why it must be stopped, to come up again; empty if it need not. */
        Optional<String> doom = Optional.empty();

        boolean closing;

        /** A part that its owner does not have any more: what it made goes with it. */
        boolean takenOut;

        Entry(Resource resource, Set<Reference> references, Realization realization) {
            this.resource = resource;
            this.references = references;
            this.realization = realization;
        }

        boolean isUnderWay() {
            return realization instanceof Undertaking;
        }
    }

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
        asked.addAll(references);
        wake.run();
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
        forgetFailures(host.desired());
        boolean progress = true;
        while (progress) {
            Desired desired = host.desired();
            forgetGone(desired);
            progress = reap() | settle(nowNanos);
            adoptMetadata(desired);
            for (Action action : Planner.plan(wanted(desired), runningNow())) {
                progress |= perform(action, desired, nowNanos);
            }
            progress |= removeStopped(desired, nowNanos);
            changed |= progress;
        }
        first = false;
        running = runningNow();
        if (changed) {
            attemptStore(() -> host.stillRunning(specsRunning()));
        }
        observations.publishChanged(
                target -> Optional.ofNullable(actual.get(target)).map(entry -> entry.realization));
        long untilNext = Attempt.untilNext(attempts.values(), nowNanos);
        return mend() ? untilNext : Math.min(untilNext, MEND_NANOS);
    }

    private void forgetFailures(Desired desired) {
        for (var next = asked.poll(); next != null; next = asked.poll()) {
            Reference target = next;
            attempts.remove(target);
            attempts.keySet()
                    .removeIf(part ->
                            Optional.ofNullable(desired.run().get(part))
                                    .flatMap(resource -> resource.metadata().owner())
                                    .equals(Optional.of(target)));
        }
    }

    /** Whether all that runs has what it needs of the host. */
    private boolean mend() {
        mending.retain(actual.keySet());
        boolean whole = true;
        for (var each : actual.entrySet()) {
            Entry entry = each.getValue();
            if (!entry.closing && entry.doom.isEmpty()) {
                whole &= mending.isWhole(each.getKey(), entry.realization);
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

    private Collection<Spec> specsRunning() {
        return actual.values().stream().map(entry -> entry.resource.spec()).toList();
    }

    private Map<Reference, Running> runningNow() {
        Map<Reference, Running> now = new TreeMap<>();
        actual.forEach((reference, entry) ->
                now.put(
                        reference,
                        new Running(
                                entry.resource.metadata().uid(),
                                entry.resource.spec(),
                                entry.references,
                                entry.closing
                                        ? entry.doom.or(() -> Optional.of("it is being stopped"))
                                        : entry.doom)));
        return now;
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
                attempt(
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
                    && entry.doom.isEmpty()
                    && !entry.closing
                    && !entry.isUnderWay()
                    && !wanted.metadata().equals(entry.resource.metadata())
                    && wanted.metadata().uid().equals(entry.resource.metadata().uid())
                    && wanted.spec().equals(entry.resource.spec())) {
                entry.resource = wanted;
                attempts.remove(reference);
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
        if (entry == null || entry.closing || isUsed(target)) {
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
                Optional.of(entry.realization));
        try {
            entry.realization.close(() -> {
                closed.add(entry);
                wake.run();
            });
        } catch (RuntimeException e) {
            // Its own callback may still come; until then it counts as running, so that nothing it
            // uses is torn away.
            LOG.error("stopping {} failed", target, e);
            notReady(target, 0, "CloseFailed", message(e), Optional.of(entry.realization));
        }
        return !closed.isEmpty();
    }

    private boolean isUsed(Reference target) {
        return actual.values().stream()
                .anyMatch(entry ->
                        entry.references.contains(target)
                                || entry.realization.uses().contains(target));
    }

    /** Whether a resource must wait, for what it refers to or for its next attempt. */
    private boolean waits(Resource resource, Desired desired, long nowNanos) {
        Reference target = resource.reference();
        for (Reference needed : desired.references().getOrDefault(target, Set.of())) {
            if (realized(needed).isEmpty()) {
                String why =
                        observed(needed)
                                .map(other -> other.ready().message())
                                .filter(message -> !message.isEmpty())
                                .map(message -> ": " + message)
                                .orElse("");
                notReady(
                        target,
                        0,
                        "DependencyNotReady",
                        "waits for " + needed + why,
                        Optional.ofNullable(actual.get(target)).map(entry -> entry.realization));
                return true;
            }
        }
        Attempt attempt = attempts.get(target);
        return attempt != null && attempt.blocks(resource, false, nowNanos);
    }

    private Optional<Realization> realized(Reference reference) {
        Entry entry = actual.get(reference);
        return entry == null || entry.closing || entry.doom.isPresent() || entry.isUnderWay()
                ? Optional.empty()
                : Optional.of(entry.realization);
    }

    private boolean create(Resource resource, Desired desired, long nowNanos) {
        Reference target = resource.reference();
        if (actual.containsKey(target)) {
            return false;
        }
        Set<Reference> references = desired.references().getOrDefault(target, Set.of());
        KindHandle<?> kind = kinds.byKind(resource.kind());
        Optional<Condition> meanwhile = kind.realizedBeside(resource.spec());
        if (meanwhile.isPresent()) {
            undertake(resource, references, meanwhile.get());
            return true;
        }
        return attempt(
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
        actual.put(target, entry);
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
        references.forEach(
                each -> realized(each).ifPresent(realization -> needed.put(each, realization)));
        actual.put(target, new Entry(resource, references, undertaking));
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
        observations.note(target, 0, undertaking.meanwhile(), Optional.of(undertaking));
    }

    private boolean update(Resource resource, Desired desired, long nowNanos) {
        Reference target = resource.reference();
        Entry entry = actual.get(target);
        if (entry == null || entry.closing || entry.doom.isPresent() || entry.isUnderWay()) {
            return false;
        }
        return attempt(
                resource,
                false,
                nowNanos,
                () -> {
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
                            entry.references = desired.references().getOrDefault(target, Set.of());
                            LOG.info("changed {}", target);
                            ready(target, entry, "Realized", "");
                        }
                        case UpdateResult.Recreate(String reason) -> {
                            LOG.info("restarting {}: {}", target, reason);
                            entry.doom = Optional.of(reason);
                        }
                        case UpdateResult.Refused(String reason) -> refuse(resource, entry, reason);
                    }
                });
    }

    private void refuse(Resource resource, Entry entry, String reason) {
        Reference target = resource.reference();
        attempts.put(target, Attempt.refused(resource, false));
        notReady(
                target,
                entry.resource.metadata().generation(),
                "UpdateRefused",
                reason,
                Optional.of(entry.realization));
    }

    /** Runs a step; a failure is noted and, if it can pass, tried again later. */
    private boolean attempt(Resource resource, boolean removal, long nowNanos, Runnable step) {
        Reference target = resource.reference();
        Attempt earlier = attempts.remove(target);
        try {
            step.run();
            return true;
        } catch (ResourceException e) {
            failed(resource, removal, earlier, e.code().retryable(), e.code(), e, nowNanos);
        } catch (StoreException e) {
            failed(resource, removal, earlier, true, ErrorCode.UNAVAILABLE, e, nowNanos);
        } catch (RuntimeException e) {
            failed(resource, removal, earlier, false, ErrorCode.INTERNAL, e, nowNanos);
        }
        return false;
    }

    private void failed(
            Resource resource,
            boolean removal,
            @Nullable Attempt earlier,
            boolean retry,
            ErrorCode code,
            RuntimeException cause,
            long nowNanos) {
        Reference target = resource.reference();
        int failures =
                earlier != null && earlier.isOf(resource, removal) ? earlier.failures() + 1 : 1;
        attempts.put(
                target,
                // Nothing but time changes for what is to go.
                retry || removal
                        ? Attempt.failed(resource, removal, failures, nowNanos)
                        : Attempt.refused(resource, removal));
        if (failures == 1) {
            if (code == ErrorCode.INTERNAL) {
                LOG.error("{} failed", target, cause);
            } else {
                LOG.warn("{} failed: {}", target, message(cause));
            }
        }
        Entry entry = actual.get(target);
        notReady(
                target,
                entry == null ? 0 : entry.resource.metadata().generation(),
                code.reason(),
                message(cause),
                Optional.ofNullable(entry).map(tried -> tried.realization));
    }

    private static String message(RuntimeException e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    /** Destroys and forgets what has stopped and is to be removed. */
    private boolean removeStopped(Desired desired, long nowNanos) {
        boolean progress = false;
        for (Resource resource : desired.remove().values()) {
            Reference target = resource.reference();
            Attempt earlier = attempts.get(target);
            boolean blocked = earlier != null && earlier.blocks(resource, true, nowNanos);
            if (!actual.containsKey(target)
                    && !hasRunningPart(target)
                    && !blocked
                    && !isFoundSoon(resource)) {
                progress |= attempt(resource, true, nowNanos, () -> destroy(resource));
            }
        }
        return progress;
    }

    /** Whether what it has left is in something that is being realized. */
    private boolean isFoundSoon(Resource resource) {
        return host.provisioned(resource)
                && kinds.byKind(resource.kind()).references(resource.spec()).stream()
                        .map(actual::get)
                        .anyMatch(needed -> needed != null && needed.isUnderWay());
    }

    private boolean hasRunningPart(Reference owner) {
        return actual.values().stream()
                .anyMatch(entry ->
                        entry.resource.metadata().owner().filter(owner::equals).isPresent());
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
        return context(subject, provisioned, _ -> {}, this::realized);
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
                Optional.of(entry.realization));
    }

    private void notReady(
            Reference target,
            long generation,
            String reason,
            String message,
            Optional<Realization> realization) {
        observations.note(
                target,
                generation,
                new Condition(Condition.READY, false, reason, message),
                realization);
    }

    private void forgetGone(Desired desired) {
        Set<Reference> known = new HashSet<>(desired.run().keySet());
        known.addAll(desired.remove().keySet());
        attempts.keySet().retainAll(known);
        known.addAll(actual.keySet());
        observations.keep(known, actual.keySet());
    }

    private void attemptStore(Runnable work) {
        try {
            work.run();
        } catch (StoreException e) {
            LOG.warn("the store failed, which is tried again later: {}", e.getMessage());
        }
    }
}
