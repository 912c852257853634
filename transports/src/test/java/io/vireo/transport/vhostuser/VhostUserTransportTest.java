package io.vireo.transport.vhostuser;

import static io.vireo.testkit.Eventually.until;
import static io.vireo.testkit.VhostUserFrontEnd.*;
import static io.vireo.transport.vhostuser.TestBed.echo;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.linux.Eventfd;
import io.vireo.linux.OpenFiles;
import io.vireo.linux.UnixSocket;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.VhostUserFrontEnd;
import io.vireo.testkit.VhostUserSession;
import io.vireo.transport.Endpoint.State;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;

/** Conversations with front ends that keep the rules. */
class VhostUserTransportTest extends ConversationBed {
    @Test
    void servesARing() {
        var device = bed.device(1);
        var endpoint = bed.present(device, "disk");
        assertThat(endpoint.state()).isEqualTo(State.WAITING);
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            assertThat(device.negotiated.get() & device.features()).isEqualTo(device.features());
            var ring = session.start(0, 64);
            for (int i = 1; i <= 1000; i++) {
                echo(session, ring, i);
            }
            assertThat(endpoint.state()).isEqualTo(State.RUNNING);
            assertThat(session.stop(0)).isEqualTo(1000);
            assertThat(endpoint.state()).isEqualTo(State.CONNECTED);
        }
        until("the end of the session", () -> endpoint.state() == State.WAITING);
        assertThat(endpoint.lastError()).isEmpty();
    }

    @Test
    void servesAPackedRingOfAnySizeAndSaysWhereItStopped() {
        bed.present(bed.device(1), "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory, ~0L)) {
            var ring = session.start(0, 61);
            for (int i = 1; i <= 100; i++) {
                echo(session, ring, i);
            }
            // Two descriptors each: 200 of laps of 61.
            int base = session.stop(0);
            assertThat(base).isEqualTo(DriverQueue.base(61, session.features(), 200));
            session.tell(SET_VRING_BASE, state(0, base));
            session.kick(0, ring);
            echo(session, ring, 101);
        }
    }

    @Test
    void aPackedRingGoesOnThoughTheFrontEndDoesNotKnowWhere() {
        var endpoint = bed.present(bed.device(1), "disk");
        var queue = DriverQueue.of(memory, 13, VhostUserSession.RING_PACKED);
        int stale = DriverQueue.base(13, VhostUserSession.RING_PACKED, 0);
        for (int i = 0; i < 5; i++) {
            try (var session = VhostUserSession.open(bed.path("disk"), memory, ~0L)) {
                var ring = session.start(0, queue, stale);
                for (int k = 0; k < 4; k++) {
                    echo(session, ring, 10 * i + k);
                }
            }
            until("the session's end", () -> endpoint.state() == State.WAITING);
        }
    }

    @Test
    void leavesNoDescriptorBehind() {
        bed.present(bed.device(2), "disk");
        int before = OpenFiles.count();
        for (int i = 0; i < 20; i++) {
            try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
                session.trackInflight(2, 64).close();
                echo(session, session.start(0, 64), i);
                echo(session, session.start(1, 64), i);
            }
            memory.close();
            memory = new DriverMemory(MEMORY);
        }
        until("descriptors are closed", () -> OpenFiles.count() <= before);
    }

    @Test
    void socketBelongsToOwnerAndGroupOnly() throws Exception {
        bed.present(bed.device(1), "disk");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(bed.path("disk"))))
                .isEqualTo("rw-rw----");
    }

    @Test
    void ringIsEnabledFromTheStartWithoutProtocolFeatures() {
        bed.present(bed.device(1), "disk");
        try (var session =
                new VhostUserSession(VhostUserFrontEnd.connect(bed.path("disk")), memory)) {
            session.negotiate(VhostUserSession.VERSION_1, 0);
            session.shareMemory();
            echo(session, session.start(0, 16), 5);
        }
    }

    @Test
    void enableMayComeFirst() {
        bed.present(bed.device(1), "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            session.enable(0, 1);
            var ring = session.describe(0, DriverQueue.of(memory, 16, session.features()), 0);
            session.kick(0, ring);
            echo(session, ring, 7);
        }
    }

    @Test
    void disabledRingStandsStillAndGoesOn() {
        bed.present(bed.device(1), "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            var ring = session.start(0, 16);
            echo(session, ring, 1);
            session.enable(0, 0);
            TestBed.add(session, ring, 2);
            VhostUserSession.publish(ring);
            session.enable(0, 1);
            VhostUserSession.awaitUsed(ring);
            TestBed.check(session, 2);
        }
    }

    /** "Ring states" of the specification: a network card's transmit ring is drained. */
    @Test
    void disabledRingRunsOnWhereTheDeviceDrainsIt() {
        var card = bed.networkCard(2);
        card.drains = true;
        var endpoint = bed.present(card, "card");
        try (var session = VhostUserSession.open(bed.path("card"), memory)) {
            var ring = session.start(0, 16);
            echo(session, ring, 1);
            session.enable(0, 0);
            assertThat(card.switched).containsExactly("0=false");
            assertThat(endpoint.state()).isEqualTo(State.CONNECTED);
            echo(session, ring, 2);
            session.enable(0, 1);
            assertThat(card.switched).containsExactly("0=false", "0=true");
            assertThat(endpoint.state()).isEqualTo(State.RUNNING);
            echo(session, ring, 3);
            assertThat(session.stop(0)).isEqualTo(3);

            session.enable(1, 0);
            var other = session.describe(1, DriverQueue.of(memory, 16, session.features()), 0);
            session.kick(1, other);
            echo(session, other, 4);
            assertThat(card.switched).endsWith("1=false");
        }
    }

    /** A front end that is about to enable a ring has not disabled it: what waits in it is kept. */
    @Test
    void ringThatWasNeverEnabledIsNotDrained() {
        var card = bed.networkCard(1);
        card.drains = true;
        bed.present(card, "card");
        try (var session = VhostUserSession.open(bed.path("card"), memory)) {
            var ring = session.describe(0, DriverQueue.of(memory, 16, session.features()), 0);
            TestBed.add(session, ring, 5);
            VhostUserSession.publish(ring);
            session.kick(0, ring);
            assertThat(card.taken).hasValue(0);
            session.enable(0, 1);
            VhostUserSession.awaitUsed(ring);
            TestBed.check(session, 5);
            assertThat(card.switched).isEmpty();
        }
    }

    /** QEMU pauses a guest so: status 0, and only then it asks where it is to go on. */
    @Test
    void statusZeroLeavesTheBases() {
        bed.present(bed.device(1), "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            session.tell(SET_STATUS, u64(0xf));
            var ring = session.start(0, 16);
            echo(session, ring, 1);
            echo(session, ring, 2);
            session.tell(SET_STATUS, u64(0));
            assertThat(session.stop(0)).isEqualTo(2);
        }
    }

    @Test
    void ringGoesOnWhereItStopped() {
        bed.present(bed.device(1), "disk");
        var queue = DriverQueue.of(memory, 16, 0, 65530);
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            session.tell(
                    SET_FEATURES,
                    u64(VhostUserSession.VERSION_1 | VhostUserSession.PROTOCOL_FEATURES));
            var ring = session.start(0, queue, 65530);
            for (int i = 0; i < 10; i++) {
                echo(session, ring, i);
            }
            int base = session.stop(0);
            assertThat(base).isEqualTo(4);
            session.tell(SET_VRING_BASE, state(0, base));
            session.kick(0, ring);
            echo(session, ring, 11);
        }
    }

    @Test
    void aKickThatWentToTheDescriptorBeforeIsMadeUpFor() throws Exception {
        bed.present(bed.device(1), "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory);
                var other = Eventfd.create()) {
            var ring = session.start(0, 16);
            TestBed.add(session, ring, 1);
            while (!ring.queue().publish()) {
                VhostUserSession.awaitUsed(ring);
                TestBed.add(session, ring, 1);
            }
            // The device wants a kick, which goes to a descriptor that it looks at no more.
            session.tell(SET_VRING_KICK, u64(0), other.fd());
            VhostUserSession.awaitUsed(ring);
            TestBed.check(session, 1);
        }
    }

    @Test
    void getVringBaseWaitsForRequestsInFlight() {
        var device = bed.device(1);
        bed.present(device, "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            var ring = session.start(0, 16);
            device.hold(true);
            TestBed.add(session, ring, 9);
            VhostUserSession.publish(ring);
            // What the device has not taken yet is not in flight, and is not waited for.
            until("the device takes it", () -> device.taken.get() == 1);
            session.frontEnd().send(GET_VRING_BASE, state(0, 0));
            session.frontEnd().send(GET_QUEUE_NUM, payload(0));
            assertThat(session.frontEnd().receive(200)).isEmpty();
            device.hold(false);
            assertThat(session.frontEnd().receive().request()).isEqualTo(GET_VRING_BASE);
            assertThat(session.frontEnd().receive().request()).isEqualTo(GET_QUEUE_NUM);
            VhostUserSession.awaitUsed(ring);
        }
    }

    @Test
    void memoryComesAndGoesUnderARunningRing() throws Exception {
        bed.present(bed.device(1), "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory);
                var extra = io.vireo.linux.Memfd.create("extra", 8192, 2)) {
            var ring = session.start(0, 16);
            var region = payload(40);
            region.putLong(8, 0x9000_0000L).putLong(16, 8192).putLong(24, 0x7fff_0000L);
            int before = OpenFiles.count();
            for (int i = 0; i < 50; i++) {
                session.tell(ADD_MEM_REG, region, extra);
                echo(session, ring, i);
                session.tell(REM_MEM_REG, region);
                echo(session, ring, i);
                session.shareMemory();
                echo(session, ring, i);
            }
            until("descriptors are closed", () -> OpenFiles.count() <= before);
        }
    }

    /** QEMU 7.2 does so for each pair of queues of a card. */
    @Test
    void theSameMemoryIsAddedAndRemovedAgainAndAgain() throws Exception {
        bed.present(bed.device(1), "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory);
                var extra = io.vireo.linux.Memfd.create("extra", 8192, 2);
                var other = io.vireo.linux.Memfd.create("other", 8192, 2)) {
            var ring = session.start(0, 16);
            var region = payload(40);
            region.putLong(8, 0x9000_0000L).putLong(16, 8192).putLong(24, 0x7fff_0000L);
            session.tell(ADD_MEM_REG, region, extra);
            int before = OpenFiles.count();
            for (int i = 1; i < 16; i++) {
                session.tell(ADD_MEM_REG, region, extra);
                echo(session, ring, i);
            }
            until("descriptors are closed", () -> OpenFiles.count() <= before);
            // Other memory at these addresses is none of it.
            assertThat(session.frontEnd().acknowledged(ADD_MEM_REG, region, other)).isNotZero();
            for (int i = 1; i <= 16; i++) {
                session.tell(REM_MEM_REG, region);
                echo(session, ring, i);
            }
            assertThat(session.frontEnd().acknowledged(REM_MEM_REG, region)).isNotZero();
            session.tell(ADD_MEM_REG, region, other);
            echo(session, ring, 17);
        }
    }

    @Test
    void readsAndWritesConfiguration() {
        bed.present(bed.device(1), "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            assertThat(session.config(0, 4)).containsExactly(1, 2, 3, 4);
            // Fields of newer drivers are zeros.
            assertThat(session.config(EchoDevice.CONFIG_SIZE - 1, 3)).containsExactly(60, 0, 0);
            var write = payload(13).putInt(0, EchoDevice.WRITABLE).putInt(4, 1).put(12, (byte) 99);
            session.tell(SET_CONFIG, write);
            assertThat(session.config(EchoDevice.WRITABLE, 1)).containsExactly(99);
        }
    }

    @Test
    void aFrontEndComesBackWithFeaturesThatAreNotOfferedAnyMore() {
        var device = bed.device(1);
        bed.present(device, "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            long offered = session.frontEnd().ask(GET_FEATURES, payload(0)).u64();
            assertThat(offered & EchoDevice.FORMER).isZero();
            session.tell(SET_FEATURES, u64(offered | EchoDevice.FORMER));
            assertThat(device.negotiated.get() & EchoDevice.FORMER).isNotZero();
            var more = u64(offered | EchoDevice.FORMER << 1);
            assertThat(session.frontEnd().acknowledged(SET_FEATURES, more)).isNotZero();
        }
    }

    @Test
    void answersAWriteToTheConfigurationWhenItIsWritten() throws Exception {
        var device = bed.device(1);
        var writes = new LinkedBlockingQueue<Runnable>();
        device.configWriter = writes::add;
        bed.present(device, "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            var write = payload(13).putInt(0, EchoDevice.WRITABLE).putInt(4, 1);
            var told =
                    CompletableFuture.runAsync(
                            () -> session.tell(SET_CONFIG, write),
                            task -> Thread.ofPlatform().start(task));
            Runnable written = writes.take();
            assertThat(told).isNotDone();
            written.run();
            told.get();
            assertThat(session.config(EchoDevice.WRITABLE, 1)).containsExactly(0);
        }
    }

    @Test
    void aDeviceThatFailsAtARequestEndsThatSessionOnly() {
        var device = bed.device(1);
        device.configWriter =
                _ -> {
                    throw new IllegalStateException("a bug");
                };
        var endpoint = bed.present(device, "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            var ring = session.start(0, DriverQueue.of(memory, 16, VhostUserSession.EVENT_IDX), 0);
            echo(session, ring, 3);
            var write = payload(13).putInt(0, EchoDevice.WRITABLE).putInt(4, 1);
            assertThatExceptionOfType(HungUpException.class)
                    .isThrownBy(() -> session.tell(SET_CONFIG, write));
        }
        until("the session's end", () -> endpoint.state() == State.WAITING);
        device.configWriter = Runnable::run;
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            session.tell(SET_CONFIG, payload(13).putInt(0, EchoDevice.WRITABLE).putInt(4, 1));
        }
    }

    @Test
    void tellsOfAChangeOfConfiguration() throws Exception {
        var device = bed.device(1);
        bed.present(device, "disk");
        var ends = UnixSocket.pair();
        try (var session = VhostUserSession.open(bed.path("disk"), memory);
                var channel = VhostUserFrontEnd.of(ends[0])) {
            session.tell(SET_BACKEND_REQ_FD, payload(0), ends[1].fd());
            ends[1].close();
            device.changeConfig(0, (byte) 42);
            assertThat(channel.receive().request()).isEqualTo(2);
            assertThat(session.config(0, 1)).containsExactly(42);
        }
    }

    @Test
    void resetsTheDeviceButKeepsMemoryAndCall() {
        var device = bed.device(1);
        bed.present(device, "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            echo(session, session.start(0, 16), 1);
            session.tell(SET_STATUS, u64(0xf));
            assertThat(session.frontEnd().ask(GET_STATUS, payload(0)).u64()).isEqualTo(0xf);
            session.tell(RESET_DEVICE, payload(0));
            assertThat(device.resets.get()).isEqualTo(1);
            assertThat(session.frontEnd().ask(GET_STATUS, payload(0)).u64()).isZero();
            session.tell(SET_FEATURES, u64(session.features()));
            echo(session, session.start(0, 16), 2);
            session.tell(SET_STATUS, u64(0));
            assertThat(device.resets.get()).isEqualTo(2);
        }
    }

    @Test
    void offersWhatIsImplemented() {
        bed.present(bed.device(4), "disk");
        bed.present(bed.networkCard(4), "card");
        try (var disk = VhostUserFrontEnd.connect(bed.path("disk"));
                var card = VhostUserFrontEnd.connect(bed.path("card"))) {
            assertThat(disk.ask(GET_FEATURES, payload(0)).u64()).isEqualTo(0x5_7400_0020L);
            assertThat(disk.ask(GET_PROTOCOL_FEATURES, payload(0)).u64()).isEqualTo(0x1b22bL);
            assertThat(card.ask(GET_PROTOCOL_FEATURES, payload(0)).u64()).isEqualTo(0x1b01fL);
            disk.send(SET_PROTOCOL_FEATURES, u64(0x1b22bL));
            card.send(SET_PROTOCOL_FEATURES, u64(0x1b01fL));
            assertThat(disk.ask(GET_QUEUE_NUM, payload(0)).u64()).isEqualTo(4);
            assertThat(card.ask(GET_QUEUE_NUM, payload(0)).u64()).isEqualTo(2);
            assertThat(disk.ask(GET_MAX_MEM_SLOTS, payload(0)).u64()).isEqualTo(509);
            assertThat(card.acknowledged(NET_SET_MTU, u64(1500))).isZero();
            assertThat(card.acknowledged(NET_SET_MTU, u64(10))).isNotZero();
        }
    }

    @Test
    void pollsARingWithoutAKickDescriptor() {
        bed.present(bed.device(1), "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            var ring = session.describe(0, DriverQueue.of(memory, 16, session.features()), 0);
            session.tell(SET_VRING_KICK, u64(0x100));
            session.enable(0, 1);
            for (int i = 0; i < 10; i++) {
                TestBed.add(session, ring, i);
                ring.queue().publish();
                VhostUserSession.awaitUsed(ring);
                TestBed.check(session, i);
            }
        }
    }

    @Test
    void connectsAgainAndAgainAsAClient() throws Exception {
        var endpoint = bed.present(bed.device(1), "disk", false);
        for (int i = 0; i < 3; i++) {
            try (var listener = UnixSocket.listen(bed.path("disk"), 1)) {
                int[] fd = {-1};
                until("a connection", () -> (fd[0] = listener.accept()) >= 0);
                var socket = UnixSocket.of(io.vireo.linux.Fd.of(fd[0]));
                try (var session = new VhostUserSession(VhostUserFrontEnd.of(socket), memory)) {
                    session.negotiate(~0L, ~0L);
                    session.shareMemory();
                    echo(session, session.start(0, 16), i);
                }
            }
            until("the session's end", () -> endpoint.state() == State.WAITING);
        }
        Files.delete(bed.path("disk"));
    }

    @Test
    void secondFrontEndIsTurnedAwayAndOneAfterTheEndIsNot() {
        var endpoint = bed.present(bed.device(1), "disk");
        try (var first = VhostUserSession.open(bed.path("disk"), memory)) {
            try (var second = VhostUserFrontEnd.connect(bed.path("disk"))) {
                second.awaitHangUp();
            }
            assertThat(endpoint.counters()).containsEntry("sessions_rejected", 1L);
            echo(first, first.start(0, 16), 1);
        }
        try (var third = VhostUserSession.open(bed.path("disk"), memory)) {
            echo(third, third.start(0, 16), 2);
        }
    }

    @Test
    void staleSocketIsReplaced() throws Exception {
        var stale = UnixSocket.listen(bed.path("disk"), 1);
        stale.close();
        assertThat(bed.path("disk")).exists();
        bed.present(bed.device(1), "disk");
        try (var session = VhostUserSession.open(bed.path("disk"), memory)) {
            echo(session, session.start(0, 16), 1);
        }
    }

    @Test
    void aPathThatCannotBeHadIsToldInWords() throws Exception {
        Files.writeString(bed.path("disk"), "notes");
        assertRefused(
                "disk", ": something else has that name; remove it, or set another socketPath");
        assertThat(bed.path("disk")).hasContent("notes");
        try (var other = UnixSocket.listen(bed.path("other"), 1)) {
            assertRefused(
                    "other",
                    ": another process, or another device, listens there; stop that one, or set"
                            + " another socketPath");
        }
    }

    private void assertRefused(String name, String why) {
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> bed.present(bed.device(1), name))
                .withMessage(name + " cannot listen at " + bed.path(name) + why)
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE));
    }
}
