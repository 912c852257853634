package io.vireo.device;

import io.vireo.reactor.Reactor;
import io.vireo.resource.MacAddress;
import io.vireo.virtqueue.Virtqueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A virtio device (VIRTIO 1.3, 2), without any bus or transport. Queue methods are called on {@link
 * #reactor} of that queue; the others on the transport's control reactor. A queue is moved into the
 * device by {@link #startQueue} and handed back by {@link #stopQueue}.
 *
 * <p>A queue is reset while others run (VIRTIO 1.3, 2.6.1) by the same two: it is stopped, and what
 * is started in its place later may be of another size and lie elsewhere. Its buffers are the
 * driver's again when {@link #stopQueue} has called back.
 */
public interface VirtioDevice {
    /** Why {@link #writeConfig} refuses what no driver may write. */
    String CONFIG_READ_ONLY = "that part of the configuration is read-only";

    /** Device type (VIRTIO 1.3, 5): 1 network card, 2 block device. */
    int deviceType();

    /** Who it is, for logs and metrics. */
    String name();

    /**
     * Feature bits of the device type (VIRTIO 1.3, 5.x.3) that are offered. Ring and transport bits
     * are not its matter.
     */
    long features();

    /**
     * Feature bits that drivers may have taken when they were offered: a front end that comes back
     * with them is served as before.
     */
    default long formerFeatures() {
        return 0;
    }

    /**
     * Feature bits that are offered besides where the transport brings the driver's control queue,
     * and all of its configuration space, to the device. Over vhost-user hypervisors keep both to
     * themselves, so that such a transport offers only {@link #features}.
     */
    default long controlFeatures() {
        return 0;
    }

    /**
     * Number of control queues, behind the {@link #queueCount} others where the device type does
     * not say otherwise.
     */
    default int controlQueueCount() {
        return 0;
    }

    /**
     * Whether to offer VIRTIO_F_IN_ORDER: the device completes each queue in the order of its
     * available ring.
     */
    boolean completesInOrder();

    /** Number of virtqueues at most, without control queues. */
    int queueCount();

    /**
     * The reactor that owns queue {@code index}. It changes only while the endpoint is paused
     * ({@link io.vireo.transport.Endpoint#pause}).
     */
    Reactor reactor(int index);

    /** Bytes of the configuration space. */
    int configSize();

    /**
     * Copies {@code length} bytes from {@code offset} of the configuration space; the range is
     * inside it.
     */
    void readConfig(int offset, byte[] destination, int length);

    /**
     * Writes to the configuration space (the range is inside it).
     *
     * @param done told once, on any thread and perhaps before this returns: null if it is written,
     *     else why not. The transport answers the front end before it returns from a call on the
     *     control reactor.
     */
    void writeConfig(int offset, byte[] source, int length, Consumer<@Nullable String> done);

    /** Has {@code changed} run, on any thread, when the configuration space changes by itself. */
    void onConfigChange(Runnable changed);

    /** Tells the features that the driver took, a subset of those offered. No queue runs. */
    void negotiated(long features);

    /**
     * The front end learned of the link's MTU, or another limit of the host's side. Default:
     * nothing.
     */
    default boolean setMtu(int mtu) {
        return false;
    }

    /**
     * The driver has come here from another host: tells the network by which way its address is
     * reached now.
     *
     * @return false if the device is none that has an address
     */
    default boolean announce(MacAddress address) {
        return false;
    }

    /** Takes a queue and begins to serve it. */
    void startQueue(int index, Virtqueue queue);

    /**
     * Whether a queue that is disabled is served all the same, its requests completed and dropped
     * without effect, as a network card's transmitqs are; others stand still while they are
     * disabled.
     */
    default boolean drainsDisabled(int index) {
        return false;
    }

    /** Begins or ends to drop the requests of a running queue that {@link #drainsDisabled}. */
    default void enableQueue(int index, boolean enabled) {}

    /**
     * Stops serving a queue: no further chain is popped, and {@code onDrained} runs on the queue's
     * reactor when the last completion is pushed and flushed. Idempotent for a queue that does not
     * run.
     */
    void stopQueue(int index, Runnable onDrained);

    /**
     * Back to the state before negotiation; all queues are stopped already. {@code onDone} may run
     * on any thread.
     */
    void reset(Runnable onDone);
}
