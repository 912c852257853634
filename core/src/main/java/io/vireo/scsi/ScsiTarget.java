package io.vireo.scsi;

import io.vireo.reactor.Reactor;
import java.util.List;
import java.util.Optional;

/**
 * A SCSI target device (SAM-5, 4.6): target ports, and the logical units that initiators see behind
 * them. Thread safe, but for {@link #open}.
 */
public interface ScsiTarget {
    /** Who it is, for logs and metrics. */
    String name();

    /** The ports by which it can be reached, each with a relative identifier of its own. */
    List<ScsiPort> ports();

    /**
     * The port that a portal group of an iSCSI target is, and one of {@link #ports} from now on.
     * The same one for the same arguments.
     *
     * @param targetName iSCSI name
     * @param portalGroup target portal group tag
     * @throws io.vireo.resource.ResourceException EXHAUSTED if it has as many ports as it can have
     */
    ScsiPort.Iscsi iscsiPort(String targetName, int portalGroup);

    /** Takes {@link #iscsiPort} back; no nexus is open through the port. */
    void removePort(ScsiPort port);

    /**
     * The reactor that owns its logical units, where that is one: nexuses had best be there. Empty:
     * any will do. May change when units are mapped and unmapped.
     */
    Optional<Reactor> home();

    /**
     * Data that one command transfers at most, in bytes, in either direction: a command that asks
     * for more ends with CHECK CONDITION and transfers nothing, so that no transport needs a larger
     * buffer, whatever length its initiator announces.
     */
    int maxTransferBytes();

    /**
     * Whether its link is up: while it is not, transports let nobody log in. Who has a nexus is
     * told of changes ({@link NexusListener#linkChanged}).
     */
    boolean isLinkUp();

    /**
     * Opens an I_T nexus: an initiator port has logged in through one of {@link #ports}. Where this
     * initiator port has an open nexus through the same port, that one has to be closed first.
     * Called on {@code reactor}.
     *
     * @param listener told of ends and events, on {@code reactor}
     */
    ScsiNexus open(
            ScsiInitiator initiator, ScsiPort through, Reactor reactor, NexusListener listener);
}
