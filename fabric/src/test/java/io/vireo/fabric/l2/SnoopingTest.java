package io.vireo.fabric.l2;

import static io.vireo.fabric.l2.GroupFrames.C;
import static io.vireo.fabric.l2.GroupFrames.GROUP;
import static io.vireo.fabric.l2.GroupFrames.GROUP6;
import static io.vireo.fabric.l2.GroupFrames.R;
import static io.vireo.fabric.l2.GroupFrames.data;
import static io.vireo.fabric.l2.GroupFrames.data6;
import static io.vireo.fabric.l2.GroupFrames.igmp;
import static io.vireo.fabric.l2.GroupFrames.join;
import static io.vireo.fabric.l2.GroupFrames.leave;
import static io.vireo.fabric.l2.GroupFrames.linkLocal;
import static io.vireo.fabric.l2.GroupFrames.mac4;
import static io.vireo.fabric.l2.GroupFrames.mld;
import static io.vireo.fabric.l2.GroupFrames.one6;
import static io.vireo.fabric.l2.GroupFrames.query;
import static io.vireo.fabric.l2.GroupFrames.query3;
import static io.vireo.fabric.l2.GroupFrames.records;
import static io.vireo.fabric.l2.GroupFrames.sources;
import static io.vireo.fabric.l2.GroupFrames.suppressing;
import static io.vireo.fabric.l2.GroupFrames.suppressing6;
import static io.vireo.fabric.l2.GroupFrames.three;
import static io.vireo.fabric.l2.GroupFrames.two;
import static io.vireo.fabric.l2.Packets.address4;
import static io.vireo.fabric.l2.Packets.address6;
import static io.vireo.fabric.l2.Packets.ethernet;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.l2.multicast.GroupMessages;
import io.vireo.net.DropReason;
import io.vireo.net.PortSpec;
import io.vireo.resource.VlanSet;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SnoopingTest extends SnoopingBed {
    @Test
    void withoutAQuerierMulticastsGoToAll() {
        send(portA, join(A, GROUP));
        send(portC, data(GROUP), data(OTHER));
        assertThat(got()).containsExactly(2, 2, 0);
        assertThat(router.sent()).hasSize(2);
    }

    @Test
    void multicastsGoToThoseWhoAskedAndToRouters() {
        send(portR, query(address4(10, 0, 0, 9), 0));
        assertThat(got()).as("queries go to all").containsExactly(1, 1, 1);
        send(portA, join(A, GROUP));
        assertThat(got()).as("reports go to routers").containsExactly(0, 0, 0);
        send(portA, join(A, GROUP));
        assertThat(router.sent()).hasSize(1);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 0, 0);
        send(portC, data(GROUP));
        assertThat(router.sent()).hasSize(1);
        send(portC, data(OTHER));
        assertThat(got()).as("nobody asked").containsExactly(1, 1, 0);
        snoop(false, 3, false);
        send(portC, data(OTHER));
        assertThat(got()).containsExactly(0, 0, 0);
        assertThat(counted(Snooping.GROUPS)).isEqualTo(1);
        assertThat(counted(Snooping.QUERIERS)).isEqualTo(1);
        assertThat(counted(Snooping.REPORTS)).isEqualTo(2);
    }

    @Test
    void aQuerierWithoutAddressIsNoRouter() {
        send(portR, query(0, 0));
        send(portA, join(A, GROUP));
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 1, 0);
    }

    @Test
    void pimSaysWhereARouterIs() {
        var hello = new byte[] {0x20, 0, 0, 0, 0, 0, 0, 0};
        int all = address4(224, 0, 0, 13);
        send(
                portB,
                ethernet(
                        mac4(all),
                        B,
                        0x0800,
                        Packets.ipv4(address4(10, 0, 0, 7), all, 103, 0, hello)));
        send(portA, join(A, GROUP));
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 1, 0);
        send(portC, data(GROUP));
        assertThat(router.sent()).isEmpty();
    }

    @Test
    void linkLocalGroupsAndOtherProtocolsGoToAll() {
        snoop(false, 3, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        send(
                portC,
                data(address4(224, 0, 0, 251)),
                Frames.frame(Frames.BROADCAST, C, 60),
                Frames.frame(0x3333_0000_0001L, C, 60),
                Frames.frame(0x3333_FF00_0001L, C, 60),
                Frames.frame(0x0180_C200_0020L, C, 60));
        assertThat(got()).containsExactly(5, 5, 0);
    }

    @Test
    void membershipsAgeAndRoutersToo() {
        send(portR, query(address4(10, 0, 0, 9), 0));
        send(portA, join(A, GROUP));
        time(100 + 254);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 0, 0);
        time(100 + 255);
        send(portC, data(GROUP));
        assertThat(got()).as("the querier is gone").containsExactly(1, 1, 0);
        send(portR, query(address4(10, 0, 0, 9), 0));
        time(100 + 260);
        send(portC, data(GROUP));
        assertThat(got()).as("nobody asked for the group any more").containsExactly(1, 1, 0);
        snooping().sweep(1000);
        assertThat(snooping().isEmpty()).isTrue();
        assertThat(counted(Snooping.MEMBERSHIPS)).isZero();
    }

    @Test
    void aLeaveIsFollowedByWhatTheQuerierFindsOut() {
        snoop(false, 3, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        send(portA, join(A, GROUP));
        send(portB, join(B, GROUP));
        send(portA, leave(A, GROUP));
        assertThat(router.sent()).as("the querier hears it").hasSize(1);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 1, 0);
        // 10 s to answer, twice, and one.
        send(portR, query(address4(10, 0, 0, 9), GROUP));
        send(portB, join(B, GROUP));
        time(100 + 20);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 1, 0);
        time(100 + 21);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(0, 1, 0);
    }

    /** RFC 3376, 4.1.5: who has not answered the second time has answered the first. */
    @Test
    void aQuerierThatKnowsOfMembersTakesNobodyOut() {
        snoop(false, 3, false);
        var mldQuery = mld(R, linkLocal(9), address6(0xFF02L << 48, 1), one6(130, new byte[16]));
        send(portR, query(address4(10, 0, 0, 9), 0), Frames.tagged(mldQuery, 5));
        send(portA, join(A, GROUP), mld(A, linkLocal(1), GROUP6, one6(131, GROUP6)));
        send(portR, suppressing(true));
        send(portR, suppressing6(true));
        time(100 + 30);
        send(portC, data(GROUP), data6());
        assertThat(got()).containsExactly(2, 0, 0);
        send(portR, suppressing(false));
        send(portR, suppressing6(false));
        time(100 + 60);
        send(portC, data(GROUP), data6());
        assertThat(got()).containsExactly(0, 0, 0);
    }

    @Test
    void aFastLeaveIsFast() {
        snoop(true, 3, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        send(portA, join(A, GROUP));
        send(portA, leave(A, GROUP));
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(0, 0, 0);
        assertThat(portC.counters().receivedDropped(DropReason.FILTERED)).isZero();
    }

    @Test
    void versionThreeWithAndWithoutSources() {
        snoop(true, 3, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        send(portA, three(A, 0, 4, GROUP));
        send(portB, three(B, 2, 5, GROUP, 6, OTHER));
        send(portC, data(GROUP), data(OTHER));
        assertThat(got()).containsExactly(1, 1, 0);
        send(portA, three(A, 0, 3, GROUP));
        send(portB, three(B, 2, 3, GROUP));
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(0, 1, 0);
    }

    @Test
    void mldOfBothVersions() {
        snoop(true, 3, false);
        var query = mld(R, linkLocal(9), address6(0xFF02L << 48, 1), one6(130, new byte[16]));
        send(portR, Frames.tagged(query, 5));
        assertThat(got()).containsExactly(1, 1, 1);
        send(portA, mld(A, linkLocal(1), GROUP6, one6(131, GROUP6)));
        var record = ByteBuffer.allocate(28).put((byte) 143).position(6).putShort((short) 1);
        send(portB, mld(B, NOBODY, ALL_MLD, record.put((byte) 4).position(12).put(GROUP6).array()));
        send(portC, data6());
        assertThat(got()).containsExactly(1, 1, 0);
        send(portA, mld(A, linkLocal(1), address6(0xFF02L << 48, 2), one6(132, GROUP6)));
        send(portC, data6());
        assertThat(got()).containsExactly(0, 1, 0);
        assertThat(counted(Snooping.INVALID)).isZero();
    }

    @Test
    void vlansAreApart() {
        snoop(false, 3, false);
        var trunk = new FramePort("t", MTU);
        bridge.add(trunk, PortSpec.trunk(List.of(5, 6), OptionalInt.empty()));
        send(portR, query(address4(10, 0, 0, 9), 0));
        trunk.sent();
        trunk.arrive(Frames.tagged(join(B, GROUP), 6));
        bridge.pass(bridge.ports().getLast());
        send(portC, data(GROUP));
        assertThat(trunk.sent()).isEmpty();
        trunk.arrive(Frames.tagged(join(B, GROUP), 5));
        bridge.pass(bridge.ports().getLast());
        send(portC, data(GROUP));
        assertThat(trunk.sent()).containsExactly(Frames.tagged(data(GROUP), 5));
    }

    @Test
    void aPortHasALimitOfGroups() {
        snoop(false, 3, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        for (int i = 0; i < 5; i++) {
            send(portA, join(A, GROUP + i));
        }
        assertThat(counted(Snooping.MEMBERSHIPS)).isEqualTo(3);
        assertThat(counted(Snooping.REFUSED)).isEqualTo(2);
        send(portC, data(GROUP + 2), data(GROUP + 3));
        assertThat(got()).containsExactly(1, 0, 0);
        bridge.change(portA, PortSpec.access(5));
        assertThat(counted(Snooping.MEMBERSHIPS)).isZero();
    }

    /** Of a report the records that an ordinary frame has room for are looked at, and no more. */
    @Test
    void aLongReportIsReadToItsLimitAndTheRestCounted() {
        snoop(true, 4096, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        send(portA, three(A, 0, records(183)));
        assertThat(counted(Snooping.MEMBERSHIPS)).isEqualTo(183);
        assertThat(counted(Snooping.PASSED_OVER)).isZero();
        send(portB, three(B, 0, records(1000)));
        assertThat(router.sent()).as("routers get it whole").hasSize(1);
        assertThat(counted(Snooping.MEMBERSHIPS)).isEqualTo(2 * 183);
        assertThat(counted(Snooping.PASSED_OVER)).isEqualTo(1000 - 183);
        assertThat(counted(Snooping.REFUSED)).isZero();
        send(portC, data(GROUP + 182), data(GROUP + 183));
        assertThat(got()).as("as groups that nobody asked for").containsExactly(1, 1, 0);
    }

    @Test
    void aLongReportOfMldToo() {
        snoop(true, 4096, false);
        var message = ByteBuffer.allocate(8 + 400 * 20).put((byte) 143).position(6);
        message.putShort((short) 400);
        for (int i = 0; i < 400; i++) {
            message.putInt(4 << 24).put(address6(0xFF15L << 48, 0x1234_0000 + i));
        }
        send(portA, mld(A, linkLocal(1), ALL_MLD, message.array()));
        assertThat(counted(Snooping.MEMBERSHIPS)).isEqualTo(183);
        assertThat(counted(Snooping.PASSED_OVER)).isEqualTo(400 - 183);
    }

    /** That a record beyond those that are looked at is broken makes all of the report so. */
    @Test
    void aLongReportIsCheckedWhole() {
        int[] records = records(500);
        records[2 * 499] = 9;
        send(portA, three(A, 0, records));
        assertThat(counted(Snooping.INVALID)).isEqualTo(1);
        assertThat(counted(Snooping.MEMBERSHIPS)).isZero();
        assertThat(counted(Snooping.PASSED_OVER)).isZero();
    }

    @Test
    void offItCostsNothingAndForgetsAll() {
        send(portR, query(address4(10, 0, 0, 9), 0));
        bridge.snoop(Optional.empty(), Q);
        assertThat(portA.ingress).isSameAs(PortStage.NONE);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 1, 0);
    }

    @Test
    void brokenMessagesAreCountedAndChangeNothing() {
        snoop(false, 3, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        var sum = igmp(A, 1, GROUP, two(0x16, 0, GROUP));
        sum[14 + 24 + 3] ^= 1;
        var noGroup = igmp(A, 1, GROUP, two(0x16, 0, address4(10, 0, 0, 1)));
        var many = new byte[16];
        many[0] = 0x22;
        many[6] = (byte) 0xFF;
        many[7] = (byte) 0xFF;
        var sources = ByteBuffer.allocate(16).put((byte) 0x22).position(6).putShort((short) 1);
        sources.put((byte) 4).put((byte) 0).putShort((short) 0xFFFF).putInt(GROUP);
        var hop = mld(A, linkLocal(1), GROUP6, one6(131, GROUP6));
        hop[14 + 7] = 2;
        var elsewhere = mld(A, address6(0xFD00L << 48, 1), GROUP6, one6(131, GROUP6));
        var longer = join(A, GROUP);
        longer[14 + 2] = 1;
        int to = address4(224, 0, 0, 22);
        send(
                portA,
                sum,
                noGroup,
                igmp(A, 1, to, many),
                igmp(A, 1, to, sources.array()),
                hop,
                elsewhere,
                longer,
                igmp(A, 1, GROUP, (byte) 0x16, (byte) 0, (byte) 0, (byte) 0));
        assertThat(counted(Snooping.INVALID)).isEqualTo(8);
        assertThat(counted(Snooping.GROUPS)).isZero();
    }

    @Test
    void asksInTheVlansOfItsStations() {
        ask(false);
        bridge.add(new FramePort("d", MTU), PortSpec.access(7));
        assertThat(asked(100)).containsExactly(0x0800, 0x86DD);
        assertThat(counted(Snooping.QUERIES_SENT)).as("VLANs 5 and 7").isEqualTo(4);
        assertThat(counted(Snooping.ASKING)).isEqualTo(4);
        assertThat(asked(101)).isEmpty();
        bridge.snoop(Optional.empty(), Q);
        ask(false);
        assertThat(asked(102)).hasSize(2);
    }

    /**
     * Longer than any membership lasts: one who answers gets his group, one who does not loses it.
     */
    @Test
    void aStationThatAnswersKeepsItsGroupBecauseWeAsk() {
        ask(false);
        send(portA, join(A, GROUP));
        send(portB, join(B, GROUP));
        int questions = 0;
        for (int now = 100; now < 1100; now++) {
            if (asked(now).contains(0x0800)) {
                questions++;
                send(portA, three(A, 0, 2, GROUP));
            }
            send(portC, data(GROUP));
            boolean settled = now >= 111;
            boolean silentOnes = now < 360;
            assertThat(got())
                    .as("second %d", now)
                    .containsExactly(1, !settled || silentOnes ? 1 : 0, 0);
        }
        assertThat(questions).as("each 125 s, and the second of the start").isEqualTo(9);
    }

    @Test
    void withoutOurQuestionsNothingWouldBeLimited() {
        ask(false);
        send(portA, join(A, GROUP));
        asked(100);
        time(110);
        send(portC, data(OTHER));
        assertThat(got()).as("not all had the time to answer").containsExactly(1, 1, 0);
        time(111);
        send(portC, data(OTHER), data(GROUP));
        assertThat(got()).containsExactly(1, 0, 0);
        snoop(false, 3, false);
        send(portC, data(OTHER));
        assertThat(got()).containsExactly(1, 1, 0);
    }

    @Test
    void anotherQuerierIsGivenWayToAndFollowed() {
        ask(false);
        asked(100);
        send(portR, query(address4(10, 0, 0, 9), 0));
        assertThat(counted(Snooping.ASKING)).as("of IPv6 only").isEqualTo(1);
        assertThat(asked(131)).containsExactly(0x86DD);
        // Heard at 100: present until 100 + 2 * 125 + 5.
        assertThat(asked(354)).containsExactly(0x86DD);
        assertThat(asked(355)).containsExactly(0x0800);
        send(portR, query(0, 0));
        assertThat(asked(386)).as("who has no address is in no election").contains(0x0800);
    }

    @Test
    void whoLeavesHasAllAsked() {
        ask(false);
        asked(100);
        asked(131);
        send(portA, join(A, GROUP));
        send(portB, join(B, GROUP));
        time(150);
        send(portC, leave(C, GROUP));
        assertThat(asked(150)).as("it was no member").isEmpty();
        send(portA, leave(A, GROUP));
        assertThat(asked(150)).containsExactly(0x0800);
        send(portB, join(B, GROUP));
        assertThat(asked(160)).containsExactly(0x0800);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 1, 0);
        time(171);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(0, 1, 0);
    }

    @Test
    void aPortThatComesIsAsked() {
        ask(false);
        asked(100);
        asked(131);
        assertThat(asked(150)).isEmpty();
        bridge.change(portA, PortSpec.access(5));
        assertThat(asked(150)).containsExactly(0x0800, 0x86DD);
    }

    /** What is wanted behind them was forgotten with what was learnt. */
    @Test
    void uplinksAndPortsWithOtherVlansAreAskedToo() {
        ask(false);
        asked(100);
        asked(131);
        assertThat(asked(150)).isEmpty();
        bridge.change(portR, PortSpec.transparent(true));
        assertThat(asked(150)).containsExactly(0x0800, 0x86DD);
        assertThat(asked(160)).containsExactly(0x0800, 0x86DD);
        assertThat(asked(200)).isEmpty();
        bridge.allow(VlanSet.parse("5-7"));
        assertThat(asked(200)).containsExactly(0x0800, 0x86DD);
    }

    @Test
    void noBytesWhateverMakeItFail() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("seed " + seed + " (replay with -Dvireo.seed)");
        var random = new Random(seed);
        send(portR, query(address4(10, 0, 0, 9), 0));
        var good =
                List.of(
                        join(A, GROUP),
                        three(A, 3, 4, GROUP, 1, OTHER, 5, GROUP + 7),
                        sources(A, 6, GROUP, S1, S2),
                        query3(false, GROUP, S1, S2),
                        query(1, GROUP),
                        mld(A, linkLocal(1), GROUP6, one6(131, GROUP6)));
        for (int i = 0; i < 20_000; i++) {
            var frame = good.get(random.nextInt(good.size())).clone();
            for (int k = random.nextInt(4); k > 0; k--) {
                frame[12 + random.nextInt(frame.length - 12)] = (byte) random.nextInt();
            }
            send(portA, Arrays.copyOf(frame, 14 + random.nextInt(frame.length)));
        }
        // Messages with any content, their checksums not looked at.
        var told = new GroupMessages(new Nothing());
        for (int i = 0; i < 100_000; i++) {
            var bytes = new byte[40 + random.nextInt(80)];
            random.nextBytes(bytes);
            told.igmp(bytes, random.nextInt(bytes.length), bytes.length, 1, false);
            told.icmp6(bytes, 0, 40, bytes.length, false);
        }
    }

    private static final class Nothing implements GroupMessages.Listener {
        @Override
        public void joins(long mac, long group, long source) {}

        @Override
        public void leaves(long mac, long group, long source) {}

        @Override
        public void passesOver(int records) {}

        @Override
        public void asks(boolean elected, long high, long low) {}

        @Override
        public void asksFor(long mac, long group, long source, int seconds) {}
    }
}
