package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.resource.ResourceException;
import io.vireo.scsi.ScsiPort;
import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A target whose portals change while it has sessions. */
class TargetPortalsTest {
    private static final int NOP_OUT = 0x40;
    private static final int NOP_IN = 0x20;
    private static final int NOT_FOUND = 0x0203;

    private final Bed bed = new Bed();
    private Portal other;

    @BeforeEach
    void listen() {
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        other = new Portal(bed.transport, "other", address, 2, Authentication.NONE, () -> {});
    }

    @AfterEach
    void close() throws Exception {
        bed.node.portals(List.of(bed.portal));
        var closed = new CompletableFuture<Void>();
        other.close(() -> closed.complete(null));
        closed.get();
        bed.close();
    }

    @Test
    void aDeviceWithoutPortsForAllGroupsHasAnotherForNone() throws Exception {
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        var third = new Portal(bed.transport, "third", address, 3, Authentication.NONE, () -> {});
        List<Portal> all = List.of(bed.portal, other, third);
        bed.device.maxPorts = bed.device.ports().size() + 1;
        assertThatThrownBy(() -> bed.node.portals(all)).isInstanceOf(ResourceException.class);
        assertThat(groups()).containsExactly(1);
        assertThat(other.target(Bed.TARGET)).isEmpty();
        try (IscsiInitiator session = bed.session(Map.of())) {
            assertThat(isAlive(session)).isTrue();
        }
        bed.device.maxPorts++;
        bed.node.portals(all);
        assertThat(groups()).containsExactly(1, 2, 3);
        bed.node.portals(List.of(bed.portal));
        var closed = new CompletableFuture<Void>();
        third.close(() -> closed.complete(null));
        closed.get();
    }

    @Test
    void sessionsStayWhereTheTargetStays() throws Exception {
        try (IscsiInitiator first = bed.session(Map.of())) {
            bed.node.portals(List.of(bed.portal, other));
            assertThat(groups()).containsExactly(1, 2);
            try (IscsiInitiator second =
                    new IscsiInitiator(other.address(), Bed.INITIATOR).isid(7)) {
                assertThat(second.login(Bed.TARGET, Map.of()).u16(36)).isZero();
                assertThat(isAlive(second)).isTrue();
                bed.node.portals(List.of(other));
                IscsiPdu event = first.receive();
                assertThat(event.opcode()).isEqualTo(0x32);
                assertThat(first.isClosedByTarget()).isTrue();
                assertThat(isAlive(second)).isTrue();
            }
            try (IscsiInitiator late = bed.connect()) {
                assertThat(late.login(Bed.TARGET, Map.of()).u16(36)).isEqualTo(NOT_FOUND);
            }
        }
        bed.awaitNoSession();
        assertThat(groups()).as("the port of a group without portals is gone").containsExactly(2);
    }

    private static boolean isAlive(IscsiInitiator initiator) throws Exception {
        return initiator.exchange(initiator.request(NOP_OUT, 0x80)).opcode() == NOP_IN;
    }

    private List<Integer> groups() {
        return bed.device.ports().stream()
                .map(port -> ((ScsiPort.Iscsi) port).portalGroup())
                .sorted()
                .toList();
    }
}
