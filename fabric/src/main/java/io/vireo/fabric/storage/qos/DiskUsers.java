package io.vireo.fabric.storage.qos;

import java.util.ArrayList;
import java.util.List;

/**
 * Who sends requests to a vDisk and has rates of its own, in all pools that the vDisk is in: two
 * while it moves. Any thread.
 */
final class DiskUsers {
    // Guarded by this, which is taken before a pool is.
    private final List<UserRates> users = new ArrayList<>();
    private final List<VdiskQos> places = new ArrayList<>();

    /**
     * The vDisk is in one more pool.
     *
     * @throws IllegalArgumentException if that has no room for what is reserved: it is not
     */
    synchronized void enter(VdiskQos place) {
        place.pool().enter(place, users);
        places.add(place);
    }

    synchronized void leave(VdiskQos place) {
        places.remove(place);
        place.pool().leave(place);
    }

    /**
     * One more user, or the same once more.
     *
     * @throws IllegalArgumentException if a pool has no room for what it reserves: it is none
     */
    void add(UserRates user) {
        synchronized (Admission.ONE) {
            admit(user);
        }
    }

    private synchronized void admit(UserRates user) {
        users.add(user);
        var told = new ArrayList<VdiskQos>();
        try {
            for (VdiskQos place : places) {
                place.pool().moreUsers(place, users);
                told.add(place);
            }
        } catch (IllegalArgumentException e) {
            users.remove(user);
            told.forEach(place -> place.pool().fewerUsers(place, users));
            throw e;
        }
    }

    /** Takes {@link #add} back, once: it always can. */
    synchronized void remove(UserRates user) {
        if (users.remove(user)) {
            places.forEach(place -> place.pool().fewerUsers(place, users));
        }
    }
}
