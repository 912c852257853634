package io.vireo.adapter.tap;

import io.vireo.adapter.uring.CallBatch;
import io.vireo.adapter.uring.RefusedCalls;
import io.vireo.reactor.Reactor;
import java.util.Optional;

/** A driver that does not take IOCB_NOWAIT: TAP interfaces before Linux 6.4. */
class TapRefusedCallsTest extends TapPortContract {
    @Override
    protected Optional<CallBatch> batch(Reactor reactor) {
        return Optional.of(new RefusedCalls(reactor));
    }
}
