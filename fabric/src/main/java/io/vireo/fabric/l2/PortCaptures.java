package io.vireo.fabric.l2;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * The captures of a port. When its card goes to another network they go on there, in the same file:
 * the next port takes them from this one, which has stopped them before.
 */
final class PortCaptures implements Capture.Place {
    private record Running(Capture capture, Capture.Tap tap) {}

    private final Bridge bridge;
    private final BridgePort port;
    private final Executor reactor;

    // On the reactor, and later on the thread that has waited for the port to be gone.
    private final List<Running> running = new ArrayList<>();
    private boolean leaving;

    /**
     * @param reactor runs tasks on the bridge's reactor, in order
     */
    PortCaptures(Bridge bridge, BridgePort port, Executor reactor) {
        this.bridge = bridge;
        this.port = port;
        this.reactor = reactor;
    }

    @Override
    public String portName() {
        return port.port.name();
    }

    @Override
    public void begin(Capture capture, Capture.Tap tap) {
        reactor.execute(() -> {
            if (leaving || bridge.beginCapture(port, tap, capture)) {
                running.add(new Running(capture, tap));
            } else {
                tap.end();
            }
        });
    }

    @Override
    public void end(Capture.Tap tap) {
        reactor.execute(() -> {
            port.remove(tap);
            running.removeIf(each -> each.tap == tap);
        });
    }

    /** Stops all, for the moment; on the reactor. */
    void leave() {
        leaving = true;
        running.forEach(each -> port.letGo(each.tap));
    }

    /** Goes on with the captures of a port that has left them and is gone. */
    void goOnWith(PortCaptures former) {
        for (var each : former.running) {
            each.capture.moveTo(this, each.tap);
        }
    }
}
