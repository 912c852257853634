package io.vireo.block;

import io.vireo.resource.DurableState;
import java.lang.System.Logger.Level;
import java.util.Optional;
import java.util.Set;

/**
 * Durable records about virtual disks that those who show them to servers keep: each belongs to one
 * disk, by its {@link DiskIdentity}, and goes with it. A disk of the same name that is made later
 * has none of them.
 */
public enum DiskRecords {
    /** What survives of persistent reservations. */
    RESERVATIONS("scsi/reservations/"),

    /** A wipe that has begun and is not done. */
    WIPE("scsi/wipe/");

    private static final System.Logger LOG = System.getLogger(DiskRecords.class.getName());

    private final String prefix;

    DiskRecords(String prefix) {
        this.prefix = prefix;
    }

    /**
     * Key of the record of a disk in {@link DurableState}.
     *
     * @param unique of its {@link DiskIdentity}
     */
    public String key(String unique) {
        return prefix + unique;
    }

    /**
     * The disk is gone for good, and what was kept of it is removed; does not wait. What is not
     * removed since the daemon ends is by {@link #retain}.
     */
    public static void forget(DurableState state, String unique) {
        for (DiskRecords each : values()) {
            remove(state, each.key(unique));
        }
    }

    /** Removes what was kept of all disks but these; may wait for the medium. */
    public static void retain(DurableState state, Set<String> uniques) {
        for (DiskRecords each : values()) {
            for (String key : state.keys(each.prefix)) {
                if (!uniques.contains(key.substring(each.prefix.length()))) {
                    remove(state, key);
                }
            }
        }
    }

    private static void remove(DurableState state, String key) {
        state.put(
                key,
                Optional.empty(),
                durable -> {
                    if (!durable) {
                        LOG.log(Level.WARNING, "a record of a deleted disk stays for now: " + key);
                    }
                });
    }
}
