package io.vireo.fabric.l2;

import io.vireo.net.PortState;
import io.vireo.net.Uplink;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Has the links of a network's cards follow that of its uplink. On the control reactor.
 *
 * <p>A link that is away while its interface is opened otherwise was never gone, however long that
 * takes, nor was one that is back within a moment.
 */
final class UplinkFollower {
    private static final long MOMENT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final L2Switch network;
    private final Reactor control;
    private final Runnable changed;
    private Optional<Uplink> followed = Optional.empty();

    /** Ends the moment; null: there is none. */
    private @Nullable Timer moment;

    UplinkFollower(L2Switch network, Reactor control) {
        this.network = network;
        this.control = control;
        changed = () -> control.execute(this::look);
    }

    /** Follows an uplink instead of the one so far, or none; any thread. */
    void follow(Optional<Uplink> uplink) {
        control.execute(() -> {
            followed.ifPresent(before -> before.forget(changed));
            followed = uplink;
            uplink.ifPresent(next -> next.onChange(changed));
            look();
        });
    }

    private void look() {
        if (isUp()) {
            if (moment != null) {
                moment.cancel();
                moment = null;
            }
            network.link(true);
        } else if (moment == null && !isReopening()) {
            moment = control.schedule(MOMENT_NANOS, this::momentOver);
        }
    }

    private void momentOver() {
        moment = null;
        if (!isReopening()) {
            network.link(isUp());
        }
    }

    private boolean isReopening() {
        return followed.filter(Uplink::isReopening).isPresent();
    }

    private boolean isUp() {
        return followed.map(uplink -> uplink.port().state() == PortState.UP).orElse(true);
    }
}
