package io.vireo.net;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Settings that ports share by name, and that may change while they do. {@link #change} is for one
 * thread at a time, the rest for any.
 */
public final class QosPolicy {
    /** Who has ports with the policy. */
    public interface User {
        /**
         * Whether the settings could be in force; nothing is changed.
         *
         * @throws IllegalArgumentException with a message that says why not
         */
        void admit(QosPolicy policy, QosSettings proposed);

        /** Other settings are in force. */
        void changed(QosPolicy policy);
    }

    private final String name;
    private final List<User> users = new CopyOnWriteArrayList<>();
    private volatile QosSettings settings;

    public QosPolicy(String name, QosSettings settings) {
        this.name = name;
        this.settings = settings;
    }

    public String name() {
        return name;
    }

    /** The settings in force. */
    public QosSettings settings() {
        return settings;
    }

    /**
     * Puts other settings into force, for all users or for none.
     *
     * @throws IllegalArgumentException if a user does not admit them
     */
    public void change(QosSettings changed) {
        for (var user : users) {
            user.admit(this, changed);
        }
        settings = changed;
        for (var user : users) {
            user.changed(this);
        }
    }

    /** Asks this user from now on, once however often it is added. */
    public void addUser(User user) {
        if (!users.contains(user)) {
            users.add(user);
        }
    }

    /** Asks this user no more. */
    public void removeUser(User user) {
        users.remove(user);
    }
}
