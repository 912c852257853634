package io.vireo.transport.qmp;

import io.vireo.linux.NativeBuffer;
import io.vireo.reactor.Reactor;
import io.vireo.transport.Monitor;
import java.nio.file.Path;

/** Tells QEMU by its monitors. */
public final class QmpMonitor implements Monitor {
    private final Reactor control;

    // One for all: only the control reactor uses it. It lives as long as the process.
    private final NativeBuffer scratch = NativeBuffer.allocate(QmpCall.SCRATCH, 8);

    /** Talks to monitors on the control reactor. */
    public QmpMonitor(Reactor control) {
        this.control = control;
    }

    @Override
    public Link link(Path socket, String device, Runnable changed) {
        return new QmpLink(control, scratch, socket, device, changed);
    }
}
