package io.vireo.fabric.l2;

import io.vireo.memory.NativeMemory;
import io.vireo.net.DropReason;
import io.vireo.net.FrameBatch;
import io.vireo.net.PortState;
import java.util.Arrays;

/**
 * The ports that frames of the pass under way leave by, each with a list of its frames. Sends each
 * list at once, the stages of its port done, and has all ports tell their receivers at the end.
 */
final class Departures {
    /**
     * Frames for each port that make its costs small against those of the frames: what is read and
     * written of its rings, and for it, is the same for one frame and for some.
     */
    private static final int WORTH_A_VISIT = 8;

    /** Where the EtherType behind a tag is. */
    private static final int INNER_TYPE = 16;

    private static final short TAG_TYPE = Short.reverseBytes((short) 0x8100);

    private final Pass pass;
    private final FrameBatch batch;
    private final Classifier classifier;
    private BridgePort[] ports = new BridgePort[0];
    private int count;

    Departures(Pass pass, Classifier classifier) {
        this.pass = pass;
        this.batch = pass.batch;
        this.classifier = classifier;
    }

    /** Makes room for so many ports. */
    void room(int portCount) {
        ports = new BridgePort[portCount];
    }

    /** Has a frame leave by a port, after those that were added before. */
    void add(BridgePort out, int i) {
        int waiting = out.count;
        if (waiting == 0) {
            ports[count++] = out;
        } else if (waiting == FrameBatch.CAPACITY) {
            transmit(out);
            waiting = 0;
        }
        out.index[waiting] = i;
        out.count = waiting + 1;
    }

    /** Whether the frames of the batch are few for the ports that they leave by. */
    boolean areThin() {
        return batch.count < WORTH_A_VISIT * count;
    }

    /** Sends all frames. */
    void send() {
        for (int i = 0; i < count; i++) {
            transmit(ports[i]);
        }
        for (int i = 0; i < count; i++) {
            ports[i].port.publish();
        }
        // One for all ports: each would wait until the core has written out what it stored.
        NativeMemory.fullFence();
        for (int i = 0; i < count; i++) {
            ports[i].port.flush();
        }
        count = 0;
    }

    /** Forgets what was not sent. */
    void clear() {
        Arrays.fill(batch.vlanAction, FrameBatch.VLAN_KEEP);
        count = 0;
    }

    private void transmit(BridgePort out) {
        if (out.maxPayload < classifier.mtu()) {
            dropTooLong(out);
        }
        int frames = out.count;
        out.count = 0;
        if (out.port.state() == PortState.DOWN) {
            out.dropTransmitted(DropReason.DOWN, frames);
            return;
        }
        if (classifier.vlansInPass) {
            frames = setActions(out, frames);
        }
        if (out.egress != PortStage.NONE) {
            frames = BridgePort.run(out.egress, pass, out.index, frames);
        }
        if (frames > 0) {
            transmit(out, frames);
        }
        if (classifier.vlansInPass) {
            Arrays.fill(batch.vlanAction, 0, batch.count, FrameBatch.VLAN_KEEP);
        }
    }

    private void transmit(BridgePort out, int frames) {
        batch.sentBytes = 0;
        int sent = out.port.transmit(batch, out.index, frames);
        out.count(BridgePort.TRANSMITTED_FRAMES, sent);
        out.count(BridgePort.TRANSMITTED_BYTES, batch.sentBytes);
        if (sent < frames) {
            out.dropTransmitted(DropReason.NO_BUFFER, frames - sent);
        }
    }

    private void dropTooLong(BridgePort out) {
        int kept = 0;
        for (int k = 0; k < out.count; k++) {
            int i = out.index[k];
            if (!classifier.isTooLongFor(out, i)) {
                out.index[kept++] = i;
            }
        }
        out.dropTransmitted(DropReason.TOO_LONG, out.count - kept);
        out.count = kept;
    }

    /** Says what happens to the tags of frames; returns how many are left. */
    private int setActions(BridgePort out, int frames) {
        var source = pass.source;
        int priority = source == null ? 0 : source.priority;
        int kept = 0;
        for (int k = 0; k < frames; k++) {
            int i = out.index[k];
            boolean untagged = pass.vlan[i] == out.vlans.untagged();
            byte action =
                    untagged == !pass.tagged[i]
                            ? FrameBatch.VLAN_KEEP
                            : untagged ? FrameBatch.VLAN_POP : FrameBatch.VLAN_PUSH;
            if (action == FrameBatch.VLAN_POP && hasFurtherTag(i)) {
                // It would leave as a frame of the VLAN that its sender wrote there.
                continue;
            }
            batch.vlanAction[i] = action;
            batch.vlanTci[i] = (short) (priority | pass.vlan[i]);
            out.index[kept++] = i;
        }
        if (kept < frames) {
            out.dropTransmitted(DropReason.VLAN, frames - kept);
        }
        return kept;
    }

    private boolean hasFurtherTag(int i) {
        return NativeMemory.getShort(batch.header(i) + INNER_TYPE) == TAG_TYPE;
    }
}
