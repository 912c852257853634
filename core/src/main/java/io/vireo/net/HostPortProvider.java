package io.vireo.net;

import io.vireo.resource.MacAddress;
import io.vireo.resource.RealizeContext;
import java.util.Collection;
import java.util.Optional;

/** Gives ports of networks to the host itself. Found by {@link java.util.ServiceLoader}. */
public interface HostPortProvider {
    /**
     * An interface that the host gets.
     *
     * @param owner name of the resource that it belongs to
     * @param uid of that resource's incarnation
     * @param interfaceName as the host sees it
     * @param namespace network namespace; absent: the daemon's own
     * @param mac that the host sends from
     * @param mtu in bytes
     * @param queues that the host sends by, and gets frames by
     */
    record HostPort(
            String owner,
            String uid,
            String interfaceName,
            Optional<String> namespace,
            MacAddress mac,
            int mtu,
            int queues) {}

    /** An interface of the host that runs. Its port may go from one network to another. */
    interface HostCard extends Uplink {
        /** Whether the interface was absent and was made for it. */
        boolean made();

        /**
         * Plugs the cable in or pulls it; the host sees that it has no carrier. Any thread.
         *
         * @throws io.vireo.resource.ResourceException if the host refuses
         */
        void link(boolean plugged);
    }

    /**
     * Opens the interface, made if it is absent: what the host sends by it the port receives.
     *
     * @throws io.vireo.resource.ResourceException if the host refuses, with a message that says
     *     what to do
     */
    HostCard open(HostPort port, RealizeContext context);

    /**
     * Deletes the interfaces that were made here, by an earlier process, for others than these.
     *
     * @param declared ports that there are, or are to be
     */
    default void reclaim(Collection<HostPort> declared, RealizeContext context) {}

    /** Deletes the interface if it was made here; it is not open any more. */
    void destroy(HostPort port, RealizeContext context);
}
