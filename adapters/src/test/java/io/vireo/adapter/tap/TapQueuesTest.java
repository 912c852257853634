package io.vireo.adapter.tap;

import io.vireo.adapter.link.CallBatch;
import io.vireo.linux.Tap;
import io.vireo.reactor.Reactor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A TAP of several queues in a bridge. */
class TapQueuesTest extends TapPortContract {
    private static final int QUEUES = 3;

    @Override
    protected Optional<CallBatch> batch(Reactor reactor) {
        return CallBatch.acquire(reactor);
    }

    @Override
    protected List<Tap> taps() throws Exception {
        var taps = new ArrayList<Tap>();
        for (int i = 0; i < QUEUES; i++) {
            taps.add(Tap.open(INTERFACE, true, TapUplink.OFFLOADS));
        }
        return taps;
    }
}
