package io.vireo.fabric.l2.bond;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.l2.packet.OwnFrame;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.testkit.Frames;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two systems back to back, under a clock of the test. */
class LacpTest {
    private static final int MEMBERS = 3;
    private static final long TICK = 200_000_000L;
    private static final long SECOND = 1_000_000_000L;

    private record Sent(int member, byte[] frame) {}

    /** One of the two systems. */
    private final class Side {
        final FakeUplink[] links =
                IntStream.range(0, MEMBERS)
                        .mapToObj(i -> new FakeUplink("m" + i))
                        .toArray(FakeUplink[]::new);
        final Deque<Sent> outbox = new ArrayDeque<>();
        final LacpPolicy policy;
        boolean silent;

        Side(long system, boolean fast) {
            policy =
                    new LacpPolicy(
                            java.util.Arrays.copyOf(links, MEMBERS, NetPort[].class),
                            system,
                            fast,
                            this::send,
                            () -> now);
        }

        private void send(int member, OwnFrame frame) {
            var bytes = new byte[LacpPdu.LENGTH];
            ForeignMemory.copyToArray(frame.address(), bytes, 0, bytes.length);
            if (!silent) {
                outbox.add(new Sent(member, bytes));
            }
        }

        boolean deliver(Side to) {
            boolean any = !outbox.isEmpty();
            while (!outbox.isEmpty()) {
                var sent = outbox.remove();
                if (to.links[sent.member()].state() == PortState.UP) {
                    to.take(sent.member(), sent.frame());
                }
            }
            return any;
        }

        void take(int member, byte[] frame) {
            batch.clear();
            Frames.append(batch, frame, memory.address());
            assertThat(policy.inspect(member, batch)).isTrue();
        }
    }

    private final FrameBatch batch = new FrameBatch();
    private final NativeBuffer memory = NativeBuffer.allocate(4096, 8);
    private long now = -17;
    private final Side ours = new Side(0x0A00_0000_0002L, true);
    private final Side theirs = new Side(0x0B00_0000_0002L, true);

    @AfterEach
    void close() {
        ours.policy.close();
        theirs.policy.close();
        batch.close();
        memory.close();
    }

    private void pass(long nanos) {
        for (long end = now + nanos; now < end; now += TICK) {
            ours.policy.evaluate(now);
            theirs.policy.evaluate(now);
            // Both: an answer may be due in both directions.
            while (ours.deliver(theirs) | theirs.deliver(ours)) {}
        }
    }

    private void link(int member, PortState state) {
        ours.links[member].frames.state(state);
        theirs.links[member].frames.state(state);
    }

    @Test
    void allLinksAreUsed() {
        assertThat(ours.policy.trouble()).contains("No partner");
        pass(5 * SECOND);
        assertThat(ours.policy.senderCount()).isEqualTo(MEMBERS);
        assertThat(theirs.policy.senderCount()).isEqualTo(MEMBERS);
        assertThat(ours.policy.describe(1)).isEqualTo("distributing");
        assertThat(ours.policy.accepts(2)).isTrue();
        assertThat(ours.policy.trouble()).isEmpty();
        assertThat(ours.policy.moves()).isZero();
        pass(100 * SECOND);
        assertThat(ours.policy.senderCount()).as("later").isEqualTo(MEMBERS);
    }

    @Test
    void aLinkThatGoesDownIsLeftAtOnceAndJoinedAgain() {
        pass(5 * SECOND);
        link(1, PortState.DOWN);
        ours.policy.evaluate(now);
        assertThat(ours.policy.senderCount()).isEqualTo(MEMBERS - 1);
        assertThat(ours.policy.describe(1)).isEqualTo("down");
        link(1, PortState.UP);
        pass(5 * SECOND);
        assertThat(ours.policy.senderCount()).isEqualTo(MEMBERS);
    }

    @Test
    void aPartnerThatFallsSilentIsGivenUp() {
        pass(5 * SECOND);
        theirs.silent = true;
        pass(2 * SECOND);
        assertThat(ours.policy.senderCount()).isEqualTo(MEMBERS);
        pass(2 * SECOND);
        assertThat(ours.policy.senderCount()).isZero();
        pass(4 * SECOND);
        theirs.silent = false;
        pass(5 * SECOND);
        assertThat(ours.policy.senderCount()).isEqualTo(MEMBERS);
        assertThat(theirs.policy.senderCount()).isEqualTo(MEMBERS);
    }

    @Test
    void linksToAnotherSystemAreNotJoined() {
        var third = new Side(0x0C00_0000_0002L, true);
        for (int i = 0; i < 40; i++) {
            now += TICK;
            ours.policy.evaluate(now);
            theirs.policy.evaluate(now);
            third.policy.evaluate(now);
            while (!ours.outbox.isEmpty()) {
                var sent = ours.outbox.remove();
                (sent.member() == 2 ? third : theirs).take(sent.member(), sent.frame());
            }
            theirs.outbox.removeIf(sent -> sent.member() == 2);
            third.outbox.removeIf(sent -> sent.member() != 2);
            theirs.deliver(ours);
            third.deliver(ours);
        }
        assertThat(ours.policy.senderCount()).isEqualTo(2);
        assertThat(ours.policy.describe(2)).isEqualTo("detached");
        third.policy.close();
    }

    /** Another switch at the same cables, without a link that went down. */
    @Test
    void anotherPartnerIsJoinedOnlyWhenItAgrees() {
        pass(5 * SECOND);
        theirs.silent = true;
        var next = new Side(0x0C00_0000_0002L, true);
        for (int i = 0; i < 40; i++) {
            now += TICK;
            ours.policy.evaluate(now);
            next.policy.evaluate(now);
            while (ours.deliver(next) | next.deliver(ours)) {}
            for (int k = 0; k < ours.policy.senderCount(); k++) {
                assertThat(next.policy.accepts(ours.policy.senders()[k]))
                        .as("what is sent is taken, tick " + i)
                        .isTrue();
            }
        }
        assertThat(ours.policy.senderCount()).isEqualTo(MEMBERS);
        assertThat(ours.policy.moves()).isEqualTo(1);
        next.policy.close();
    }

    /** IEEE 802.1AX, 6.4.16: three LACPDUs in a second at most, whatever the partner sends. */
    @Test
    void aPartnerThatFlapsIsNotAnsweredEachTime() {
        pass(5 * SECOND);
        theirs.outbox.clear();
        var mad = new LacpInfo();
        var nobody = new LacpInfo();
        var frame = new OwnFrame();
        int answers = 0;
        for (int i = 0; i < 1000; i++) {
            now += SECOND / 100;
            mad.system = 0x0B00_0000_0002L + (i % 2 << 16);
            mad.state = 0x3D;
            frame.clear(LacpPdu.LENGTH);
            LacpPdu.write(frame.address(), mad.system, mad, nobody);
            var bytes = new byte[LacpPdu.LENGTH];
            ForeignMemory.copyToArray(frame.address(), bytes, 0, bytes.length);
            ours.take(0, bytes);
            answers += (int) ours.outbox.stream().filter(sent -> sent.member() == 0).count();
            ours.outbox.clear();
        }
        assertThat(answers).isBetween(10, 31);
        assertThat(ours.policy.accepts(0)).isFalse();
        frame.close();
    }

    @Test
    void ownFramesInALoopAreNoPartner() {
        for (int i = 0; i < 40; i++) {
            now += TICK;
            ours.policy.evaluate(now);
            ours.deliver(ours);
        }
        assertThat(ours.policy.senderCount()).isZero();
    }

    @Test
    void aFrameIsAsTheStandardSays() {
        ours.policy.evaluate(now);
        var frame = ours.outbox.element().frame();
        assertThat(HexFormat.of().formatHex(frame, 0, 40))
                .isEqualTo(
                        "0180c2000002"
                                + "02000000000a"
                                + "8809"
                                + "0101"
                                + "0114"
                                + "8000"
                                + "02000000000a"
                                + "0001"
                                + "8000"
                                + "0001"
                                // active, short timeout, aggregatable, expired
                                + "87"
                                + "000000"
                                + "0214"
                                + "0000");
        assertThat(HexFormat.of().formatHex(frame, 56, 60)).isEqualTo("03100000");
        assertThat(frame).hasSize(124);
    }

    @Test
    void markersAreAnswered() {
        var marker = new byte[124];
        System.arraycopy(
                HexFormat.of().parseHex("0180c2000002" + "02000000000b" + "8809" + "0201" + "0110"),
                0,
                marker,
                0,
                18);
        marker[20] = 0x42;
        ours.policy.evaluate(now);
        ours.outbox.clear();
        ours.take(1, marker);
        var answer = ours.outbox.element();
        assertThat(answer.member()).isEqualTo(1);
        assertThat(HexFormat.of().formatHex(answer.frame(), 0, 21))
                .isEqualTo("0180c2000002" + "02000000000a" + "8809" + "0201" + "0210" + "000042");
        ours.outbox.clear();
        ours.take(1, answer.frame());
        assertThat(ours.outbox).as("an answer is not answered").isEmpty();
    }

    @Test
    void malformedFramesAreOfNoConsequence() {
        pass(5 * SECOND);
        var random = new java.util.Random(42);
        for (int i = 0; i < 10_000; i++) {
            var frame = new byte[14 + random.nextInt(120)];
            random.nextBytes(frame);
            System.arraycopy(HexFormat.of().parseHex("0180c2000002"), 0, frame, 0, 6);
            ours.take(random.nextInt(MEMBERS), frame);
        }
        assertThat(ours.policy.senderCount()).isEqualTo(MEMBERS);
    }

    @Test
    void aSlowPartnerIsKept() {
        var slow = new Side(0x0D00_0000_0002L, false);
        for (int i = 0; i < 600; i++) {
            now += TICK;
            ours.policy.evaluate(now);
            slow.policy.evaluate(now);
            while (ours.deliver(slow) | slow.deliver(ours)) {}
        }
        assertThat(ours.policy.senderCount()).isEqualTo(MEMBERS);
        assertThat(slow.policy.senderCount()).isEqualTo(MEMBERS);
        slow.policy.close();
    }
}
