package io.vireo.net;

import io.vireo.reactor.Reactor;
import io.vireo.resource.MacAddress;
import java.util.function.Consumer;

/**
 * Something that frames come out of and go into: a virtual NIC or an uplink. All methods but {@link
 * #state}, {@link #mtu} and {@link #name} are called on the reactor of the {@link Network} that it
 * is attached to.
 *
 * <p>"Receive" and "transmit" are meant from the network's point of view: {@link #receive} takes
 * what a guest sent.
 */
public interface NetPort {
    /** Who it is, for logs and metrics. */
    String name();

    /** Whether frames can pass. Any thread. */
    PortState state();

    /** Largest payload of an Ethernet frame in bytes, without header and tags. */
    int mtu();

    /**
     * Called once when a network takes the port, before anything else: from now on {@code reactor}
     * owns it. {@code ready} is to be run on that reactor whenever there may be something to
     * receive after {@link #arm} returned true.
     */
    void attached(Reactor reactor, Runnable ready);

    /**
     * Has {@code listener} run on the port's reactor whenever what is at the other side must learn
     * anew where the stations of the network are: the way there has changed, though the link did
     * not. Called after {@link #attached}; most ports have one way only.
     */
    default void onReroute(Runnable listener) {}

    /**
     * Has {@code listener} run on the port's reactor whenever frames begin to pass: {@link #state}
     * has become {@link PortState#UP} since {@link #attached}, after which this is called.
     */
    default void onUp(Runnable listener) {}

    /**
     * Has {@code listener} run on the port's reactor with the MAC address of a station behind the
     * port that has come here from another host, after the port has announced it by itself. Called
     * after {@link #attached}; most ports are never told of such.
     */
    default void onArrival(Consumer<MacAddress> listener) {}

    /** The network has let go of the port and will not call it again. */
    void detached();

    /**
     * Adds to a batch what arrived, {@link FrameBatch#limit} frames at most. The batch is empty,
     * unless the port {@link #appends}. The frames stay valid, and their memory borrowed, until
     * {@link #release}.
     *
     * @return number of frames added
     */
    int receive(FrameBatch batch);

    /**
     * Whether {@link #receive} takes a batch that has frames of other ports already, with room for
     * {@link FrameBatch#limit} more.
     */
    default boolean appends() {
        return false;
    }

    /**
     * Sends the frames {@code index[0..count)} of a batch that came from any ports, in that order,
     * {@link FrameBatch#CAPACITY} at most. Copies or hands over before it returns; never waits.
     *
     * <p>A frame whose checksum or segmentation is still to do ({@link FrameBatch#offload}) and
     * that the receiver cannot take so is completed here, see {@link SoftwareOffload}. The bytes of
     * the frames sent are added to {@link FrameBatch#sentBytes}.
     *
     * @return how many were sent; the others did not fit and are dropped by the caller
     */
    int transmit(FrameBatch batch, int[] index, int count);

    /**
     * Ends the use of a batch that {@link #receive} filled: every frame was sent or dropped. Called
     * once for each call of {@link #receive} that returned more than 0. Also called, perhaps again,
     * after a memory fault has interrupted the use of the batch anywhere, {@link #receive}
     * included: what is borrowed and not yet given back is given back, once.
     */
    void release(FrameBatch batch);

    /**
     * Makes what was transmitted since the last flush visible to a receiver that looks for itself,
     * where that takes no system call. Then a full memory fence and a {@link #flush} follow. Saves
     * time where there are several ports to flush: one fence is enough for all.
     */
    default void publish() {}

    /**
     * Publishes what was transmitted since the last flush, unless {@link #publish} has done so, and
     * notifies at most once. Also called after a memory fault has interrupted a {@link #transmit}
     * or a flush: what was taken for frames that were not sent goes back.
     */
    void flush();

    /**
     * Asks for a run of {@code ready} at the next frame to receive.
     *
     * @return false if there is one now
     */
    boolean arm();

    /** Takes {@link #arm} back. */
    void disarm();
}
