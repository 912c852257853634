package io.vireo.fabric.storage;

import io.vireo.fabric.storage.pool.DrainStatus;
import io.vireo.resource.Progress;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.DisksSpec;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The disks that a pool is to be without: everything is moved off one after the other. Control
 * plane: one thread at a time, but for {@link #text}.
 */
final class Drains {
    static final String JOB = "drain";

    /** What of a pool is needed for it. */
    interface Disks {
        /** Whether a disk belongs to the pool. */
        boolean uses(String path);

        /** Begins. */
        void drain(String path, long bytesPerSecond);

        void cancel();

        /** A disk does not belong to the pool any more. */
        void left(String path);

        DrainStatus status();
    }

    private final Disks disks;
    private volatile List<String> wanted = List.of();
    private long rate;

    /** Disks that were given up; tried again when somebody asks anew. */
    private final Set<String> failed = new LinkedHashSet<>();

    private volatile String current = "";
    private volatile String trouble = "";
    private volatile List<String> done = List.of();

    Drains(Disks disks) {
        this.disks = disks;
    }

    /** Which disks are to be emptied, and how fast. */
    void want(List<DisksSpec.Member> members, long bytesPerSecond) {
        wanted =
                members.stream()
                        .filter(DisksSpec.Member::drain)
                        .map(DisksSpec.Member::path)
                        .toList();
        rate = bytesPerSecond;
        failed.retainAll(wanted);
        if (!current.isEmpty() && !wanted.contains(current)) {
            disks.cancel();
            current = "";
        }
        trouble = "";
        done = done.stream().filter(wanted::contains).toList();
    }

    List<String> wanted() {
        return wanted;
    }

    private void isOver(String path) {
        done = Stream.concat(done.stream(), Stream.of(path)).toList();
    }

    /** Whether there may be something to do. */
    boolean isNeeded() {
        return wanted.size() > done.size() + failed.size();
    }

    /** Goes on: notes what has ended, and begins with the next. */
    void tend() {
        for (String path : wanted) {
            if (!done.contains(path) && !disks.uses(path)) {
                disks.left(path);
                isOver(path);
            }
        }
        DrainStatus status = disks.status();
        if (isRunning(status)) {
            return;
        }
        if (status.state() == DrainStatus.State.CANCELLED
                && wanted.contains(current)
                && !status.trouble().isEmpty()) {
            failed.add(current);
            trouble = current + ": " + status.trouble();
        }
        current = "";
        wanted.stream()
                .filter(path -> !done.contains(path) && !failed.contains(path))
                .findFirst()
                .ifPresent(this::begin);
    }

    private void begin(String path) {
        try {
            disks.drain(path, rate);
            current = path;
            trouble = "";
        } catch (ResourceException e) {
            trouble = path + ": " + Objects.requireNonNullElse(e.getMessage(), "it cannot begin");
        }
    }

    /** The disks that are to be emptied and are not yet. */
    List<String> open() {
        List<String> empty = done;
        return wanted.stream().filter(path -> !empty.contains(path)).toList();
    }

    /** Whether a disk has been emptied, or was never a part of the pool. */
    boolean isDone(String path) {
        return done.contains(path);
    }

    /** How far the present one is, if there is one. */
    static Optional<Progress> progress(DrainStatus status) {
        return isRunning(status)
                ? Optional.of(
                        new Progress(
                                JOB,
                                status.movedBytes(),
                                status.totalBytes(),
                                status.bytesPerSecond()))
                : Optional.empty();
    }

    private static boolean isRunning(DrainStatus status) {
        return switch (status.state()) {
            case SETTLING, MOVING, REMOVING -> true;
            case NONE, DONE, CANCELLED -> false;
        };
    }

    /** How it stands, for people; empty: nothing is to be emptied. */
    String text(DrainStatus status) {
        if (!trouble.isEmpty()) {
            return trouble;
        }
        String path = current;
        Optional<Progress> progress = progress(status);
        if (!path.isEmpty() && progress.isPresent()) {
            return path + ": " + progress.get().text();
        }
        if (!path.isEmpty()) {
            return path + ": begins";
        }
        return done.isEmpty()
                ? ""
                : String.join(", ", done) + ": empty, take it out of spec.disks.members";
    }
}
