package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockRatePolicy;
import io.vireo.block.BlockRates;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Settings that vDisks share by name, and that may change while they do. {@link #change} is for one
 * thread at a time, the rest for any.
 */
public final class DiskQosPolicy implements BlockRatePolicy {
    /** Who keeps to the policy: a pool with vDisks, or somebody for himself. */
    interface User {
        /**
         * Whether the settings could be in force; nothing is changed.
         *
         * @throws IllegalArgumentException with a message that says why not
         */
        void admit(DiskQosPolicy policy, DiskQosSettings proposed);

        /** Other settings are in force. */
        void changed();
    }

    private final String name;
    private final List<User> users = new CopyOnWriteArrayList<>();
    private volatile DiskQosSettings settings;

    public DiskQosPolicy(String name, DiskQosSettings settings) {
        this.name = name;
        this.settings = settings;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public BlockRates open(String user, Runnable changed) {
        var rates = new UserRates(user, this, changed, System::nanoTime);
        addUser(rates);
        return rates;
    }

    /** The settings in force. */
    public DiskQosSettings settings() {
        return settings;
    }

    /**
     * Puts other settings into force, for all users or for none.
     *
     * @throws IllegalArgumentException if a user does not admit them
     */
    public void change(DiskQosSettings changed) {
        synchronized (Admission.ONE) {
            for (var user : users) {
                user.admit(this, changed);
            }
            settings = changed;
            users.forEach(User::changed);
        }
    }

    /** Asks this user from now on, once however often it is added. */
    void addUser(User user) {
        if (!users.contains(user)) {
            users.add(user);
        }
    }

    void removeUser(User user) {
        users.remove(user);
    }
}
