package io.vireo.control;

import io.vireo.control.codec.Manifest;
import io.vireo.control.codec.ResourceCodec;
import io.vireo.control.event.Event;
import io.vireo.control.event.EventLog;
import io.vireo.control.identity.Identities;
import io.vireo.control.identity.Identity;
import io.vireo.control.plan.DryRun;
import io.vireo.control.plan.MetadataDiff;
import io.vireo.control.reconcile.Desired;
import io.vireo.control.reconcile.Host;
import io.vireo.control.reconcile.Observed;
import io.vireo.control.reconcile.Reconciler;
import io.vireo.control.reconcile.ReconcilerThread;
import io.vireo.control.store.SqliteStore;
import io.vireo.control.store.Store;
import io.vireo.control.store.Transaction;
import io.vireo.resource.DurableState;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Operation;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Spec;
import io.vireo.resource.Violation;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Desired state and its reconciliation. {@link #open} reads the store and starts to bring
 * everything up; {@link #close} stops all that runs, in order, and forgets nothing.
 */
public final class ControlPlane implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlPlane.class);
    private static final String RESOURCES = "/resources/";
    private static final String PROVISIONED = "/provisioned/";
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(20);

    private final KindRegistry kinds;
    private final ResourceCodec codec;
    private final Store store;
    private final InstantSource clock;
    private final Identities identities;
    private final Optional<DurableState> state;
    private final EventLog events;
    private final Reconciler reconciler;
    private final ReconcilerThread thread;
    private final ReentrantLock writing = new ReentrantLock();
    private final Map<Reference, String> provisioned = new ConcurrentHashMap<>();
    private volatile Image image;
    private volatile boolean stopping;

    /** Whether a pass that began after the order to stop has ended. */
    private volatile boolean stopSeen;

    private ControlPlane(
            ControlConfig config,
            KindRegistry kinds,
            Services services,
            Store store,
            InstantSource clock) {
        this.kinds = kinds;
        this.codec = new ResourceCodec(kinds);
        this.store = store;
        this.clock = clock;
        this.identities = new Identities(store, config.identities(), new SecureRandom());
        this.state = services.find(DurableState.class);
        this.events = new EventLog(config.eventsKept(), clock);
        this.image = load();
        this.thread = new ReconcilerThread(this::pass);
        this.reconciler =
                new Reconciler(kinds, services, new ReconcilerHost(), clock, thread::wake);
    }

    /**
     * Opens the store and starts reconciling.
     *
     * @throws io.vireo.control.store.StoreException if the store cannot be opened
     * @throws ResourceException if the store holds something that this version cannot read
     */
    public static ControlPlane open(
            ControlConfig config, Collection<? extends ResourceKind<?>> kinds, Services services) {
        Store store = SqliteStore.open(config.store());
        try {
            ControlPlane plane =
                    new ControlPlane(
                            config,
                            new KindRegistry(kinds),
                            services,
                            store,
                            InstantSource.system());
            plane.thread.start();
            return plane;
        } catch (RuntimeException e) {
            store.close();
            throw e;
        }
    }

    private long pass(long nowNanos) {
        boolean stop = stopping;
        long pause = reconciler.pass(nowNanos);
        stopSeen |= stop;
        return pause;
    }

    private Image load() {
        Map<Reference, Resource> stored = new TreeMap<>();
        for (Store.Entry entry : store.list(RESOURCES).entries()) {
            Resource resource = codec.decode(entry.value(), entry.modRevision());
            stored.put(resource.reference(), resource);
        }
        for (Store.Entry entry : store.list(PROVISIONED).entries()) {
            String[] parts = entry.key().substring(PROVISIONED.length()).split("/", 2);
            provisioned.put(new Reference(parts[0], parts[1]), entry.value());
        }
        LOG.info("the store holds {} resources", stored.size());
        return new Image(kinds, stored);
    }

    public KindRegistry kinds() {
        return kinds;
    }

    public ResourceCodec codec() {
        return codec;
    }

    public EventLog events() {
        return events;
    }

    /**
     * Declares resources, all of them or none. They are durable when this returns, and come up
     * afterwards. What was declared like that before and failed is tried again.
     *
     * @return one result for each manifest, in their order
     * @throws ResourceException if any of them is refused; nothing has changed then
     */
    public List<Applied> apply(List<Manifest> manifests) {
        writing.lock();
        try {
            Identities.Draft draft = identities.draft();
            Admission.Verdict verdict = new Admission(kinds, image, draft, now()).admit(manifests);
            var transaction = new Transaction();
            for (Applied applied : verdict.applied()) {
                if (applied.outcome() != Applied.Outcome.UNCHANGED) {
                    write(transaction, applied.resource());
                }
            }
            if (transaction.isEmpty()) {
                retryUnchanged(verdict.applied());
                return verdict.applied();
            }
            draft.writeTo(transaction);
            long revision = commit(transaction);
            draft.accept();
            List<Applied> applied =
                    verdict.applied().stream().map(each -> at(each, revision)).toList();
            take(applied.stream().map(Applied::resource).toList());
            // Together with what they refer to, which may have been what was wrong with them.
            retryUnchanged(applied);
            applied.forEach(this::announce);
            return applied;
        } finally {
            writing.unlock();
        }
    }

    private void retryUnchanged(List<Applied> applied) {
        reconciler.retry(
                applied.stream()
                        .filter(each -> each.outcome() == Applied.Outcome.UNCHANGED)
                        .map(each -> each.resource().reference())
                        .toList());
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MILLIS);
    }

    private void write(Transaction transaction, Resource resource) {
        String key = key(RESOURCES, resource.reference());
        transaction.require(key, resource.metadata().revision());
        transaction.put(key, codec.encode(resource));
    }

    private static String key(String prefix, Reference reference) {
        return prefix + reference.kind() + "/" + reference.name();
    }

    private long commit(Transaction transaction) {
        return store.commit(transaction)
                .orElseThrow(() ->
                        new ResourceException(
                                ErrorCode.CONFLICT,
                                "the store was changed by another process; restart the daemon"));
    }

    private static Applied at(Applied applied, long revision) {
        if (applied.outcome() == Applied.Outcome.UNCHANGED) {
            return applied;
        }
        return new Applied(withRevision(applied.resource(), revision), applied.outcome());
    }

    private static Resource withRevision(Resource resource, long revision) {
        return new Resource(
                resource.kind(), resource.metadata().withRevision(revision), resource.spec());
    }

    /** Makes changed resources part of desired state. */
    private void take(List<Resource> changed) {
        Map<Reference, Resource> stored = new TreeMap<>(image.stored());
        changed.forEach(resource -> stored.put(resource.reference(), resource));
        image = new Image(kinds, stored);
        thread.wake();
    }

    private void announce(Applied applied) {
        Reference reference = applied.resource().reference();
        switch (applied.outcome()) {
            case CREATED -> events.append(Event.Type.ADDED, reference, "Created", "");
            case CHANGED -> events.append(Event.Type.MODIFIED, reference, "Changed", "");
            case UNCHANGED -> {}
        }
    }

    /**
     * What applying these manifests would do to what runs, in order; changes nothing.
     *
     * @throws ResourceException if any of them would be refused
     */
    public List<DryRun.Step> plan(List<Manifest> manifests) {
        writing.lock();
        try {
            Admission.Verdict verdict =
                    new Admission(kinds, image, identities.draft(), now()).admit(manifests);
            Desired before = image.desired();
            Desired after = verdict.after().desired();
            return DryRun.of(
                    kinds,
                    Reconciler.wanted(before),
                    Reconciler.wanted(after),
                    MetadataDiff.between(before.run(), after.run()),
                    reconciler.running());
        } finally {
            writing.unlock();
        }
    }

    /**
     * Asks for the deletion of resources, all of them or none. They go when all that they run has
     * stopped; deleting what is being deleted is no error.
     *
     * @throws ResourceException with {@link ErrorCode#NOT_FOUND}, or with {@link ErrorCode#IN_USE}
     *     if others, which are not deleted with them, refer to them
     */
    public List<Resource> delete(List<Reference> references) {
        writing.lock();
        try {
            List<Resource> found = references.stream().map(this::deletable).toList();
            Set<Reference> all = new HashSet<>(references);
            found.forEach(resource -> checkUnused(resource, all));
            checkNotHeld(all);
            var transaction = new Transaction();
            List<Resource> marked = new ArrayList<>();
            for (Resource resource : found) {
                if (!Image.deleting(resource)) {
                    marked.add(marked(resource));
                    write(transaction, marked.getLast());
                }
            }
            if (!transaction.isEmpty()) {
                long revision = commit(transaction);
                take(marked.stream().map(resource -> withRevision(resource, revision)).toList());
                marked.forEach(resource ->
                        events.append(
                                Event.Type.MODIFIED,
                                resource.reference(),
                                "DeletionRequested",
                                ""));
            }
            return found.stream()
                    .map(resource -> image.find(resource.reference()).orElse(resource))
                    .toList();
        } finally {
            writing.unlock();
        }
    }

    private Resource deletable(Reference reference) {
        Resource resource = image.find(reference).orElseThrow(() -> notFound(reference));
        resource.metadata()
                .owner()
                .ifPresent(owner -> {
                    throw new ResourceException(
                            ErrorCode.INVALID,
                            reference + " is derived and cannot be deleted; change " + owner);
                });
        return resource;
    }

    private void checkUnused(Resource resource, Set<Reference> deleted) {
        List<Reference> users = new ArrayList<>(image.users(resource.reference()));
        users.removeAll(deleted);
        if (!users.isEmpty()) {
            String names = String.join(", ", users.stream().map(Reference::toString).toList());
            throw new ResourceException(
                    ErrorCode.IN_USE,
                    resource.reference() + " is used by " + names + "; change or delete that first",
                    Map.of("users", names));
        }
    }

    /** What a resource has recorded that it depends on stays, though its spec does not say so. */
    private void checkNotHeld(Set<Reference> deleted) {
        if (state.isEmpty()) {
            return;
        }
        for (Resource user : image.stored().values()) {
            for (Reference held :
                    kinds.byKind(user.kind()).alsoUses(user.metadata(), user.spec(), state.get())) {
                if (deleted.contains(held)) {
                    throw new ResourceException(
                            ErrorCode.IN_USE,
                            "%s is still used by %s, which is being moved: wait until that is done, or take it back (vireo describe %s)"
                                    .formatted(
                                            held,
                                            user.reference(),
                                            user.reference().toString().replace('/', ' ')),
                            Map.of("users", user.reference().toString()));
                }
            }
        }
    }

    private Resource marked(Resource resource) {
        return new Resource(resource.kind(), resource.metadata().deleted(now()), resource.spec());
    }

    /** The exception for a request that breaks rules; its message tells the first of them. */
    public static ResourceException invalid(List<Violation> violations) {
        return Admission.invalid(violations);
    }

    private static ResourceException notFound(Reference reference) {
        return new ResourceException(ErrorCode.NOT_FOUND, "there is no " + reference);
    }

    /**
     * One resource with its status.
     *
     * @throws ResourceException with {@link ErrorCode#NOT_FOUND}
     */
    public View get(Reference reference) {
        return views().of(image.find(reference).orElseThrow(() -> notFound(reference)), true);
    }

    /**
     * Prepares a stream of a running resource.
     *
     * @param parameters those that were given, by name
     * @throws ResourceException with {@link ErrorCode#NOT_FOUND} if there is no such resource, with
     *     {@link ErrorCode#NOT_READY} if it does not run
     */
    public LiveStream stream(
            Reference reference, LiveStream.Offer offer, Map<String, String> parameters) {
        return running(reference).stream(offer, parameters);
    }

    /**
     * Has a running resource begin an operation.
     *
     * @param parameters those that were given, by name
     * @return the names of those attributes of its status that tell of what it is done to
     * @throws ResourceException with {@link ErrorCode#NOT_FOUND} if there is no such resource or
     *     nothing to do it to, with {@link ErrorCode#NOT_READY} if it does not run
     */
    public List<String> operate(
            Reference reference, Operation operation, Map<String, String> parameters) {
        return running(reference).operate(operation, parameters);
    }

    private Realization running(Reference reference) {
        if (image.find(reference).isEmpty()) {
            throw notFound(reference);
        }
        return reconciler
                .observed(reference)
                .flatMap(Observed::realization)
                .orElseThrow(() ->
                        new ResourceException(
                                ErrorCode.NOT_READY, reference + " does not run; see its status"));
    }

    /** All resources of a kind with their status, sorted by name. */
    public List<View> list(String kind) {
        Views views = views();
        return views.image().list(kind).stream().map(each -> views.of(each, true)).toList();
    }

    private Views views() {
        return new Views(kinds, image, reconciler);
    }

    /** Everything there is, with its status. */
    public List<View> all() {
        return kinds.all().stream().flatMap(kind -> list(kind.kind().kind()).stream()).toList();
    }

    /** Whether the reconciler has realized everything that is wanted. */
    public boolean ready() {
        return image.desired().run().keySet().stream()
                .allMatch(target ->
                        reconciler
                                .observed(target)
                                .filter(known -> known.ready().met())
                                .isPresent());
    }

    /**
     * Stops all that runs, in order, and closes the store. Desired state stays and comes up again
     * with the next {@link #open}. Waits for I/O in flight, but no longer than 20 seconds.
     */
    @Override
    public void close() {
        if (stopping) {
            return;
        }
        stopping = true;
        thread.wake();
        try {
            long deadline = System.nanoTime() + STOP_TIMEOUT.toNanos();
            // A pass under way may still start what was wanted when it began.
            while (!(stopSeen && reconciler.idle()) && System.nanoTime() < deadline) {
                Thread.sleep(5);
            }
            if (!reconciler.idle()) {
                LOG.warn(
                        "these did not stop in {} s: {}",
                        STOP_TIMEOUT.toSeconds(),
                        reconciler.running().keySet());
            }
            thread.stop(STOP_TIMEOUT);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        events.close();
        store.close();
    }

    /** What the reconciler sees. */
    private final class ReconcilerHost implements Host {
        @Override
        public Desired desired() {
            // What is seen here has been announced: nothing is said of a resource before that.
            writing.lock();
            try {
                return stopping ? Desired.NOTHING : image.desired();
            } finally {
                writing.unlock();
            }
        }

        @Override
        public boolean provisioned(Resource resource) {
            return resource.metadata().uid().equals(provisioned.get(resource.reference()));
        }

        @Override
        public void markProvisioned(Resource resource) {
            if (resource.metadata().owner().isPresent() || provisioned(resource)) {
                return;
            }
            String uid = resource.metadata().uid();
            store.commit(new Transaction().put(key(PROVISIONED, resource.reference()), uid));
            provisioned.put(resource.reference(), uid);
        }

        @Override
        public void remove(Resource resource) {
            Reference reference = resource.reference();
            writing.lock();
            try {
                store.commit(
                        new Transaction()
                                .delete(key(RESOURCES, reference))
                                .delete(key(PROVISIONED, reference)));
                provisioned.remove(reference);
                Map<Reference, Resource> stored = new TreeMap<>(image.stored());
                stored.remove(reference);
                image = new Image(kinds, stored);
                events.append(Event.Type.DELETED, reference, "Deleted", "");
            } finally {
                writing.unlock();
            }
            thread.wake();
        }

        @Override
        public void stillRunning(Collection<Spec> specs) {
            if (!stopping) {
                releaseIdentities(specs);
            }
        }

        @Override
        public void event(Event.Type type, Reference subject, String reason, String message) {
            events.append(type, subject, reason, message);
        }
    }

    /** Gives back identities that neither desired state nor anything that runs has. */
    private void releaseIdentities(Collection<Spec> running) {
        writing.lock();
        try {
            Set<Identity> inUse =
                    Stream.concat(
                                    running.stream(),
                                    image.stored().values().stream().map(Resource::spec))
                            .flatMap(Identity::of)
                            .collect(Collectors.toSet());
            Identities.Draft draft = identities.release(inUse);
            if (!draft.isEmpty()) {
                var transaction = new Transaction();
                draft.writeTo(transaction);
                store.commit(transaction);
                draft.accept();
            }
        } finally {
            writing.unlock();
        }
    }
}
