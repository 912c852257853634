package io.vireo.testkit.crash;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Knows what a store was told and when, and so which states are right after a crash at any time:
 *
 * <ul>
 *   <li>a sector holds what the last durable change made of it, or what any later submitted change
 *       did; nothing else, above all no bytes of another volume;
 *   <li>a discard gives zeroes or the bytes from before, and never undoes a later write;
 *   <li>a snapshot holds what ended before it was asked for and nothing submitted after it was
 *       there, byte by byte the same each time it is read;
 *   <li>snapshots of a group are all there or none, and there is one moment that all are of;
 *   <li>volumes that were made are there, those that were deleted are not; growths and rollbacks
 *       have happened wholly or not at all.
 * </ul>
 */
final class Oracle {
    final long seed;
    private final Map<String, VolumeModel> volumes = new LinkedHashMap<>();
    private final List<List<VolumeModel>> groups = new ArrayList<>();
    private long versions;
    private int numbers;

    Oracle(long seed) {
        this.seed = seed;
    }

    /** An oracle for what comes after a crash: what was found is what is durable. */
    static Oracle after(Oracle before, Map<String, long[]> found) {
        var oracle = new Oracle(before.seed);
        oracle.versions = before.versions;
        oracle.numbers = before.numbers;
        found.forEach((name, values) ->
                oracle.volumes.put(name, VolumeModel.found(before.volume(name), values)));
        return oracle;
    }

    /** A version that no sector has yet. */
    long newVersion() {
        return ++versions;
    }

    /** A number that no volume has had. */
    int newNumber() {
        return ++numbers;
    }

    VolumeModel volume(String name) {
        return Objects.requireNonNull(volumes.get(name), name);
    }

    /** Every volume that there ever was. */
    List<VolumeModel> volumes() {
        return List.copyOf(volumes.values());
    }

    /** Volumes that are there now. */
    List<VolumeModel> present() {
        return volumes.values().stream().filter(v -> v.deleteSubmitted == DiskLog.NEVER).toList();
    }

    VolumeModel add(VolumeModel volume) {
        volumes.put(volume.name, volume);
        return volume;
    }

    /** Snapshots that are to be made at one moment. */
    void addGroup(List<VolumeModel> snapshots) {
        groups.add(List.copyOf(snapshots));
    }

    /** What is wrong with the groups that were found after a crash, if anything. */
    Optional<String> checkGroups(Map<String, long[]> found, int crash) {
        for (List<VolumeModel> group : groups) {
            int here = 0;
            boolean wasMade = true;
            var moment = new GroupMoment();
            for (VolumeModel snapshot : group) {
                long[] values = found.get(snapshot.name);
                if (values != null) {
                    here++;
                    snapshot.narrow(moment, values, crash);
                }
                wasMade &= snapshot.created < crash;
            }
            if (!wasMade && here > 0 && here < group.size()) {
                return Optional.of("of a group there is only " + present(group, found));
            }
            if (!moment.exists()) {
                return Optional.of(moment.complaint());
            }
        }
        return Optional.empty();
    }

    private static String present(List<VolumeModel> group, Map<String, long[]> found) {
        return group.stream()
                .map(each -> each.name)
                .filter(found::containsKey)
                .collect(Collectors.joining(", "));
    }

    /** What is wrong with the names that were found after a crash, if anything. */
    Optional<String> checkNames(List<String> names, int crash) {
        var wrong = new ArrayList<String>();
        for (String name : names) {
            VolumeModel volume = volumes.get(name);
            if (volume == null || !volume.mayExist(crash)) {
                wrong.add("volume " + name + " should not be there");
            }
        }
        for (VolumeModel volume : volumes.values()) {
            if (volume.mustExist(crash) && !names.contains(volume.name)) {
                wrong.add("volume " + volume.name + " is gone");
            }
        }
        return wrong.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", wrong));
    }
}
