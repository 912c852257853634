package io.vireo.fabric.l2;

import static io.vireo.fabric.l2.GroupFrames.GROUP;
import static io.vireo.fabric.l2.GroupFrames.GROUP6;
import static io.vireo.fabric.l2.GroupFrames.R;
import static io.vireo.fabric.l2.GroupFrames.data;
import static io.vireo.fabric.l2.GroupFrames.data6;
import static io.vireo.fabric.l2.GroupFrames.join;
import static io.vireo.fabric.l2.GroupFrames.leave;
import static io.vireo.fabric.l2.GroupFrames.linkLocal;
import static io.vireo.fabric.l2.GroupFrames.mld;
import static io.vireo.fabric.l2.GroupFrames.one6;
import static io.vireo.fabric.l2.GroupFrames.query;
import static io.vireo.fabric.l2.GroupFrames.query3;
import static io.vireo.fabric.l2.GroupFrames.sources;
import static io.vireo.fabric.l2.GroupFrames.three;
import static io.vireo.fabric.l2.Packets.address4;
import static io.vireo.fabric.l2.Packets.address6;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.Frames;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Groups that are wanted from some sources only (RFC 3376, RFC 3810). */
class SourceSnoopingTest extends SnoopingBed {
    /** RFC 3376, 6.4.2: a source that is blocked is asked about, and nothing else has an end. */
    @Test
    void whoBlocksItsLastSourceIsAMemberNoMoreWhenTheQuerierHasAsked() {
        snoop(false, 3, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        send(portA, sources(A, 5, GROUP, S1));
        send(portB, sources(B, 5, GROUP, S1, S2));
        send(portA, sources(A, 6, GROUP, S1));
        send(portB, sources(B, 6, GROUP, S1));
        send(portR, query3(true, GROUP, S1));
        time(110);
        send(portC, data(GROUP));
        assertThat(got()).as("suppressed").containsExactly(1, 1, 0);
        send(portR, query3(false, GROUP, S1));
        time(112);
        send(portC, data(GROUP));
        assertThat(got()).as("there is time to answer").containsExactly(1, 1, 0);
        time(113);
        send(portC, data(GROUP));
        assertThat(got()).as("one wants another source").containsExactly(0, 1, 0);
    }

    @Test
    void aBlockedSourceIsNoneOfThoseWhoWantAll() {
        snoop(true, 3, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        send(portA, three(A, 0, 4, GROUP), sources(A, 6, GROUP, S1));
        send(portB, sources(B, 1, GROUP, S1), sources(B, 6, GROUP, S2));
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 1, 0);
        send(portB, sources(B, 6, GROUP, S1));
        assertThat(counted(Snooping.MEMBERSHIPS)).as("a fast leave").isEqualTo(1);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 0, 0);
    }

    @Test
    void aChangeToFewerSourcesEndsTheOthers() {
        snoop(true, 3, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        send(portA, three(A, 0, 4, GROUP), sources(A, 3, GROUP, S2));
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 0, 0);
        send(portA, sources(A, 6, GROUP, S2));
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(0, 0, 0);
    }

    @Test
    void whoBlocksASourceThatItHadHasAllAsked() {
        ask(false);
        asked(100);
        asked(131);
        time(150);
        send(portA, sources(A, 5, GROUP, S1));
        send(portB, join(B, GROUP));
        send(portA, sources(A, 6, GROUP, S2));
        send(portB, sources(B, 6, GROUP, S1));
        assertThat(asked(150)).as("nobody had it").isEmpty();
        send(portA, sources(A, 6, GROUP, S1));
        assertThat(asked(150)).containsExactly(0x0800);
        assertThat(asked(160)).containsExactly(0x0800);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 1, 0);
        time(171);
        send(portC, data(GROUP));
        assertThat(got()).as("others keep their time").containsExactly(0, 1, 0);
    }

    /** They share a MAC address, but no question is about both. */
    @Test
    void whatEndsForAGroupGoesOnForAnotherThatLooksLikeIt() {
        int alike = GROUP ^ address4(0, 128, 0, 0);
        snoop(false, 3, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        send(portA, join(A, GROUP));
        send(portB, join(B, alike));
        send(portR, query(address4(10, 0, 0, 9), GROUP));
        time(100 + 21);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(0, 1, 0);
        snoop(true, 3, false);
        send(portA, join(A, GROUP), join(A, alike), leave(A, GROUP));
        send(portC, data(alike));
        assertThat(got()).containsExactly(1, 1, 0);
    }

    /** What is beyond the sources that are told apart keeps its port in the group, and ages. */
    @Test
    void moreSourcesThanAreToldApartLoseNothing() {
        snoop(true, 3, false);
        send(portR, query(address4(10, 0, 0, 9), 0));
        int[] some = IntStream.range(0, 400).map(i -> S1 + i).toArray();
        send(portA, sources(A, 5, GROUP, some));
        send(portA, sources(A, 6, GROUP, Arrays.copyOf(some, 366)));
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(1, 0, 0);
        time(100 + 254);
        send(portR, query(address4(10, 0, 0, 9), 0));
        time(100 + 260);
        send(portC, data(GROUP));
        assertThat(got()).containsExactly(0, 0, 0);
    }

    @Test
    void sourcesOfMldToo() {
        snoop(false, 3, false);
        var general = mld(R, linkLocal(9), address6(0xFF02L << 48, 1), one6(130, new byte[16]));
        send(portR, Frames.tagged(general, 5));
        send(portA, sources6(5));
        send(portB, mld(B, linkLocal(2), GROUP6, one6(131, GROUP6)));
        send(portA, sources6(6));
        var message = ByteBuffer.allocate(44).put((byte) 130).position(4).putShort((short) 1000);
        message.position(8).put(GROUP6).put((byte) 2).put((byte) 125).putShort((short) 1);
        message.put(address6(0xFD00L << 48, 1));
        send(portR, Frames.tagged(mld(R, linkLocal(9), GROUP6, message.array()), 5));
        time(103);
        send(portC, data6());
        assertThat(got()).containsExactly(0, 1, 0);
    }

    private static byte[] sources6(int type) {
        var message = ByteBuffer.allocate(44).put((byte) 143).position(6).putShort((short) 1);
        message.put((byte) type).put((byte) 0).putShort((short) 1).put(GROUP6);
        message.put(address6(0xFD00L << 48, 1));
        return mld(A, linkLocal(1), ALL_MLD, message.array());
    }
}
