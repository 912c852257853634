package io.vireo.transport.iscsi;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A login that is right, and waits for its place among the sessions of its target. */
final class Admission {
    private final SessionIdentity identity;
    private final Consumer<TargetNode.Place> onAdmitted;
    private final Consumer<LoginException> onRefused;
    private TargetNode.@Nullable Place place;
    private boolean withdrawn;

    Admission(
            SessionIdentity identity,
            Consumer<TargetNode.Place> onAdmitted,
            Consumer<LoginException> onRefused) {
        this.identity = identity;
        this.onAdmitted = onAdmitted;
        this.onRefused = onRefused;
    }

    SessionIdentity identity() {
        return identity;
    }

    boolean isWithdrawn() {
        return withdrawn;
    }

    /** It has its place. */
    void admitted(TargetNode.Place given) {
        place = given;
        onAdmitted.accept(given);
    }

    void refused(LoginException why) {
        if (!withdrawn) {
            onRefused.accept(why);
        }
    }

    /** The connection is gone: the place, if there is one, is free again. */
    void withdraw() {
        withdrawn = true;
        if (place != null) {
            place.cancel();
        }
    }
}
