package io.vireo.fabric.l2;

import io.vireo.fabric.l2.acl.AclProgram;
import io.vireo.fabric.l2.packet.Headers;
import io.vireo.net.AccessList;
import io.vireo.net.DropReason;
import java.util.List;

/** Access control lists of a port in one direction. */
final class AclStage implements PortStage {
    private final BridgePort port;
    private final boolean ingress;
    private final Headers headers;
    private final AclProgram program;

    AclStage(BridgePort port, boolean ingress, List<AccessList> lists, Headers headers) {
        this.port = port;
        this.ingress = ingress;
        this.headers = headers;
        this.program = new AclProgram(lists);
    }

    @Override
    public Place place() {
        return Place.FILTER;
    }

    @Override
    public int apply(Pass pass, int[] index, int count) {
        program.refresh();
        int left = 0;
        for (int k = 0; k < count; k++) {
            int i = index[k];
            headers.read(i, pass.tagged[i]);
            if (!headers.isChecksumInPlace() || !program.read(headers, pass.vlan[i])) {
                drop(DropReason.UNREADABLE);
            } else if (program.permits()) {
                index[left++] = i;
            } else {
                drop(DropReason.ACL);
            }
        }
        return left;
    }

    private void drop(DropReason reason) {
        if (ingress) {
            port.dropReceived(reason, 1);
        } else {
            port.dropTransmitted(reason, 1);
        }
    }

    @Override
    public void close() {
        program.close();
    }
}
