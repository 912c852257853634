package io.vireo.adapter.tap;

import io.vireo.adapter.uring.CallBatch;
import io.vireo.reactor.Reactor;
import java.util.Optional;

/** A system call for each frame: where there is no io_uring. */
class TapSingleCallsTest extends TapPortContract {
    @Override
    protected Optional<CallBatch> batch(Reactor reactor) {
        return Optional.empty();
    }
}
