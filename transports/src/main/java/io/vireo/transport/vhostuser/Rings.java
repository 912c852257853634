package io.vireo.transport.vhostuser;

import io.vireo.device.VirtioDevice;
import io.vireo.memory.GuestMemory;
import io.vireo.reactor.Reactor;
import io.vireo.virtqueue.VirtqueueConfig.RingAddresses;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** All rings of a session, and what concerns them together. On the control reactor. */
final class Rings {
    /** VHOST_VRING_F_LOG, as a mask. */
    private static final int VRING_F_LOG = 1;

    private final List<Vring> all;
    private final Reactor control;

    Rings(VirtioDevice device, Reactor control) {
        var rings = new ArrayList<Vring>();
        for (int i = 0; i < device.queueCount(); i++) {
            rings.add(new Vring(device, i, control));
        }
        all = List.copyOf(rings);
        this.control = control;
    }

    /** Every ring, by its index. */
    List<Vring> all() {
        return all;
    }

    int size() {
        return all.size();
    }

    Vring get(int index) {
        return all.get(index);
    }

    /** The ring that a message is about. */
    Vring of(Message message) throws ViolationException {
        int index = message.u32(0);
        if (index < 0 || index >= all.size()) {
            throw new ViolationException("the device has no such queue");
        }
        return all.get(index);
    }

    /** Which format of rings was negotiated; all are stopped. */
    void format(boolean packed) {
        all.forEach(ring -> ring.format(packed));
    }

    void requireStopped() throws ViolationException {
        if (!all.stream().allMatch(Vring::stopped)) {
            throw new ViolationException("queues are running");
        }
    }

    /** SET_VRING_ADDR. */
    void setAddresses(Message message, GuestMemory memory) throws ViolationException {
        var ring = of(message);
        int flags = message.u32(4);
        if ((flags & ~VRING_F_LOG) != 0) {
            throw new ViolationException("no flag is known but VHOST_VRING_F_LOG");
        }
        ring.addresses(new RingAddresses(message.u64(8), message.u64(24), message.u64(16)), memory);
        ring.logAddress(flags == 0 ? OptionalLong.empty() : OptionalLong.of(message.u64(32)));
    }

    /** Checks that the running rings would survive a change of memory. */
    void checkMemory(GuestMemory memory) throws ViolationException {
        for (var ring : all) {
            ring.checkMemory(memory);
        }
    }

    /** A ring that waits for nothing but its start. */
    Optional<Vring> ready(long features) {
        return all.stream().filter(ring -> ring.ready(features)).findFirst();
    }

    /** Stops those that run; {@code done} runs when the last is stopped. */
    void stopAll(Runnable done) {
        var running = all.stream().filter(Vring::running).toList();
        if (running.isEmpty()) {
            done.run();
            return;
        }
        int[] left = {running.size()};
        for (var ring : running) {
            ring.stop(() -> {
                if (--left[0] == 0) {
                    done.run();
                }
            });
        }
    }

    /**
     * Stops those that run, and waits until reactors have done all that they were given for any
     * ring; {@code done} runs when there is nothing left of it.
     */
    void quiesce(Runnable done) {
        stopAll(() -> {
            int[] left = {all.size()};
            for (var ring : all) {
                ring.reactor()
                        .execute(() ->
                                control.execute(() -> {
                                    if (--left[0] == 0) {
                                        done.run();
                                    }
                                }));
            }
        });
    }

    /** Gives all to the reactors that the device names now; after {@link #quiesce}. */
    void rehome() {
        all.forEach(Vring::rehome);
    }
}
