package io.vireo.net;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * What an uplink says that it carries, which may change while it is used. {@link #change} is for
 * one thread at a time, the rest for any.
 */
public final class UplinkSpeed {
    /** Who shares an uplink out. */
    public interface User {
        /**
         * Whether another speed would do; nothing is changed.
         *
         * @param bitsPerSecond as {@link UplinkSpeed#bitsPerSecond}
         * @throws IllegalArgumentException with a message that says why not
         */
        void admit(long bitsPerSecond);

        /** The speed is another one now. */
        void changed();
    }

    private final List<User> users = new CopyOnWriteArrayList<>();
    private volatile long bitsPerSecond;

    public UplinkSpeed(long bitsPerSecond) {
        this.bitsPerSecond = bitsPerSecond;
    }

    /** Bits per second of frames, preambles and gaps, as on a cable; 0 if it does not say. */
    public long bitsPerSecond() {
        return bitsPerSecond;
    }

    /**
     * Whether all users could do with another speed; nothing is changed.
     *
     * @throws IllegalArgumentException if one of them could not, with a message that says why
     */
    public void admit(long proposed) {
        if (proposed != bitsPerSecond) {
            users.forEach(user -> user.admit(proposed));
        }
    }

    /** Says another speed from now on, which was admitted. */
    public void change(long changed) {
        if (changed != bitsPerSecond) {
            bitsPerSecond = changed;
            users.forEach(User::changed);
        }
    }

    /** Asks this user from now on. */
    public void addUser(User user) {
        users.add(user);
    }

    /** Asks this user no more. */
    public void removeUser(User user) {
        users.remove(user);
    }
}
