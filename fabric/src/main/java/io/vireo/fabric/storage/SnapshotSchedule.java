package io.vireo.fabric.storage;

import io.vireo.block.BlockPool;
import io.vireo.block.SnapshotGroup;
import io.vireo.resource.Condition;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Status;
import io.vireo.resource.spec.SnapshotScheduleSpec;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Makes a group of snapshots whenever it is time, and deletes those that are too many, on a thread
 * of its own. If it was time while no daemon ran, one is made at the start. What fails is tried
 * again every minute.
 */
final class SnapshotSchedule implements Realization {
    static final String LAST = "last";
    static final String NEXT = "next";
    static final String KEPT = "kept";

    private static final Logger LOG = System.getLogger(SnapshotSchedule.class.getName());
    private static final long MINUTE = 60;
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd't'HHmmss'z'").withZone(ZoneOffset.UTC);

    private final String name;
    private final GroupedVolumes volumes;
    private final InstantSource clock;
    private final Runnable statusChanged;
    private final Pattern ours;
    private final ReentrantLock lock = new ReentrantLock();
    private final java.util.concurrent.locks.Condition changed = lock.newCondition();

    // Guarded by the lock.
    private SnapshotScheduleSpec spec;
    private boolean stopped;
    private boolean ended;
    private @Nullable Runnable onClosed;

    private volatile List<SnapshotGroup> groups = List.of();
    private volatile String problem = "";

    private SnapshotSchedule(
            String name,
            GroupedVolumes volumes,
            SnapshotScheduleSpec spec,
            InstantSource clock,
            Runnable statusChanged) {
        this.name = name;
        this.volumes = volumes;
        this.spec = spec;
        this.clock = clock;
        this.statusChanged = statusChanged;
        ours = groupsOf(name);
    }

    /** What the groups of a schedule are called. */
    static Pattern groupsOf(String schedule) {
        return Pattern.compile(Pattern.quote(schedule) + "-\\d{8}t\\d{6}z");
    }

    /** One that is not started: {@link #step} does what its thread would. */
    static SnapshotSchedule stepped(
            String name, GroupedVolumes volumes, SnapshotScheduleSpec spec, InstantSource clock) {
        return new SnapshotSchedule(name, volumes, spec, clock, () -> {});
    }

    static SnapshotSchedule start(
            String name,
            GroupedVolumes volumes,
            SnapshotScheduleSpec spec,
            Runnable statusChanged) {
        var schedule =
                new SnapshotSchedule(name, volumes, spec, InstantSource.system(), statusChanged);
        Thread.ofPlatform().name("snapshots-" + name).daemon(true).start(schedule::run);
        return schedule;
    }

    void change(SnapshotScheduleSpec newSpec) {
        lock.lock();
        try {
            spec = newSpec;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        while (pause(attempt())) {
            // Again.
        }
        Runnable closed;
        lock.lock();
        try {
            ended = true;
            closed = onClosed;
        } finally {
            lock.unlock();
        }
        if (closed != null) {
            closed.run();
        }
    }

    /** Does what it is time for; seconds until it is time for more. */
    private long attempt() {
        SnapshotScheduleSpec now = current();
        try {
            boolean done = step(now);
            boolean mended = !problem.isEmpty();
            problem = "";
            if (done || mended) {
                statusChanged.run();
            }
            return Math.max(1, Duration.between(clock.instant(), next(now)).toSeconds() + 1);
        } catch (ResourceException e) {
            failed(String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "schedule " + name + " failed", e);
            failed("a defect of Vireo: " + e);
        }
        return MINUTE;
    }

    private void failed(String why) {
        if (!problem.equals(why)) {
            LOG.log(Level.WARNING, "schedule " + name + ": " + why);
            problem = why;
            statusChanged.run();
        }
    }

    private SnapshotScheduleSpec current() {
        lock.lock();
        try {
            return spec;
        } finally {
            lock.unlock();
        }
    }

    /** Waits; false: it is to end. */
    private boolean pause(long seconds) {
        lock.lock();
        try {
            if (!stopped) {
                // A change of the clock is noticed within a minute, and a change of the spec at
                // once.
                boolean _ = changed.await(Math.min(seconds, MINUTE), TimeUnit.SECONDS);
            }
            return !stopped;
        } catch (InterruptedException e) {
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** Makes what is due and deletes what is too much; whether there was anything to do. */
    boolean step(SnapshotScheduleSpec now) {
        groups = ours();
        Instant due = previous(now, clock.instant());
        boolean isTime = groups.isEmpty() || groups.getLast().made().isBefore(due);
        boolean any = isTime || groups.size() > now.keep();
        if (any) {
            volumes.atRest(() -> change(isTime, now.keep()));
        }
        return any;
    }

    private void change(boolean isTime, int keep) {
        BlockPool pool = volumes.pool();
        if (isTime) {
            pool.createGroup(name + "-" + STAMP.format(clock.instant()), volumes.volumes());
            groups = ours();
        }
        for (int i = 0; i < groups.size() - keep; i++) {
            pool.deleteGroup(groups.get(i).name());
        }
        groups = ours();
    }

    private List<SnapshotGroup> ours() {
        return volumes.pool().groups(name + "-").stream()
                .filter(group -> ours.matcher(group.name()).matches())
                .toList();
    }

    /** The last moment, not after {@code now}, at which it was time. */
    private static Instant previous(SnapshotScheduleSpec spec, Instant now) {
        long every = spec.everyMinutes() * MINUTE;
        long offset = spec.offsetMinutes() * MINUTE;
        return Instant.ofEpochSecond(
                Math.floorDiv(now.getEpochSecond() - offset, every) * every + offset);
    }

    private Instant next(SnapshotScheduleSpec spec) {
        return previous(spec, clock.instant()).plusSeconds(spec.everyMinutes() * MINUTE);
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        return Optional.empty();
    }

    @Override
    public Status status() {
        List<SnapshotGroup> now = groups;
        var attributes = new LinkedHashMap<String, String>();
        if (!now.isEmpty()) {
            attributes.put(LAST, now.getLast().name());
        }
        attributes.put(NEXT, next(current()).toString());
        attributes.put(KEPT, Integer.toString(now.size()));
        attributes.put("groups", String.join(", ", now.stream().map(SnapshotGroup::name).toList()));
        var conditions =
                problem.isEmpty()
                        ? List.<Condition>of()
                        : List.of(
                                new Condition(
                                        Condition.READY,
                                        false,
                                        "SnapshotFailed",
                                        problem + "; it is tried again every minute"));
        return new Status(
                conditions,
                attributes,
                List.of(Metric.gauge("groups", "Groups of snapshots that are kept.", now.size())));
    }

    @Override
    public void close(Runnable whenClosed) {
        lock.lock();
        try {
            stopped = true;
            changed.signalAll();
            if (!ended) {
                onClosed = whenClosed;
                return;
            }
        } finally {
            lock.unlock();
        }
        whenClosed.run();
    }
}
