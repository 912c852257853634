package io.vireo.device.virtio;

import io.vireo.device.VirtioDevice;
import io.vireo.transport.Endpoint;
import io.vireo.transport.EndpointSpec;
import io.vireo.transport.VirtioTransport;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Presents nothing and writes down what it was asked to. */
public final class FakeTransport implements VirtioTransport {
    public final List<EndpointSpec> presented = new ArrayList<>();
    public final List<VirtioDevice> devices = new ArrayList<>();

    /** What {@link #present} throws, if anything. */
    public List<RuntimeException> failures = new ArrayList<>();

    public Endpoint.State state = Endpoint.State.WAITING;
    public String error = "";
    public int closed;

    /** Pauses that have not ended. */
    public int pauses;

    private Runnable changed = () -> {};

    /** A front end does something else. */
    public void become(Endpoint.State now) {
        state = now;
        changed.run();
    }

    @Override
    public Endpoint present(VirtioDevice device, EndpointSpec spec) {
        if (!failures.isEmpty()) {
            throw failures.getFirst();
        }
        devices.add(device);
        presented.add(spec);
        return new FakeEndpoint();
    }

    private final class FakeEndpoint implements Endpoint {
        @Override
        public State state() {
            return state;
        }

        @Override
        public Map<String, Long> counters() {
            return Map.of("sessions", 3L);
        }

        @Override
        public String lastError() {
            return error;
        }

        @Override
        public void onChange(Runnable listener) {
            changed = listener;
        }

        @Override
        public void pause(Runnable onPaused) {
            pauses++;
            onPaused.run();
        }

        @Override
        public void resume() {
            pauses--;
        }

        @Override
        public void close(Runnable onClosed) {
            closed++;
            onClosed.run();
        }
    }
}
