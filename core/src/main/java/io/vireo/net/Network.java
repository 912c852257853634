package io.vireo.net;

import io.vireo.reactor.Reactor;
import io.vireo.resource.LiveStream;
import java.util.List;
import java.util.Optional;

/**
 * Joins ports: a bridge domain. Runs on one reactor, which owns all its ports. Methods may be
 * called from any thread.
 */
public interface Network {
    /** Name of the resource. */
    String name();

    /** The reactor that owns the network and all ports attached to it. */
    Reactor reactor();

    /** Largest MTU of the network in bytes. */
    int mtu();

    /**
     * Whether the cards that are plugged in are to have a link: a network may have them lose it
     * when its uplink does. It is theirs to heed. Any thread.
     */
    boolean linked();

    /** Has {@code listener} run, on any thread, whenever {@link #linked} has changed. */
    void onLinked(Runnable listener);

    /** Takes a listener back. */
    void forget(Runnable listener);

    /**
     * Plugs a port in; returns when the reactor has taken it.
     *
     * @throws IllegalArgumentException if the spec names a VLAN that the network does not allow, or
     *     the port's reservation is more than the uplink has left
     * @throws IllegalStateException if the port is plugged in elsewhere
     */
    Attachment attach(NetPort port, PortSpec spec);

    /** A port that is plugged in. */
    interface Attachment {
        /**
         * Changes how the port sits in its network; what was learned of it is forgotten. Frames
         * that wait for their turn go on waiting or leave: none is lost.
         *
         * @throws IllegalArgumentException as {@link Network#attach} does; nothing has changed
         */
        void reconfigure(PortSpec spec);

        /** The stations that were seen behind the port and are not forgotten yet. */
        List<Station> stations();

        /**
         * Tells the network, and what is behind its other ports, that stations are behind this one,
         * in the name of each ({@link Announcement}), with all that the port's policy says of it.
         * What is behind the port is told again {@link Announcement#ROUNDS} times in all.
         */
        void announce(List<Station> stations);

        /** Counters so far; from any thread. */
        PortCounters counters();

        /** The policy in force: the port's own, or else the network's; from any thread. */
        Optional<QosPolicy> qos();

        /** What the port's quality of service did so far; from any thread. */
        QosCounters qosCounters();

        /**
         * What comes and goes by the port, as a pcapng file. It begins when the stream is written.
         *
         * @throws io.vireo.resource.ResourceException if the filter cannot be understood, or too
         *     many captures run
         */
        LiveStream capture(CaptureSpec spec);

        /**
         * Stops the captures for the moment: the port is about to be unplugged and to be plugged in
         * elsewhere, where they go on.
         */
        void suspendCaptures();

        /**
         * Goes on with the captures of the port that were stopped.
         *
         * @param former where they were stopped; it is detached
         */
        void resumeCaptures(Attachment former);

        /**
         * Unplugs the port; {@code onDetached} runs on the network's reactor when it is not used
         * any more.
         */
        void detach(Runnable onDetached);
    }
}
