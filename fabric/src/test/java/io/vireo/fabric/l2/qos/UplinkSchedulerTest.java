package io.vireo.fabric.l2.qos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.vireo.fabric.l2.qos.UplinkScheduler.Flow;
import io.vireo.net.QosSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ports that all want an uplink, in simulated time with a poller that comes late now and then. */
class UplinkSchedulerTest {
    private static final long SEED = 20_261_122;
    private static final long SECOND = 1_000_000_000L;
    private static final long GIGABIT = 1_000_000_000L;
    private static final LongPredicate ALWAYS = _ -> true;

    private final Random random = new Random(SEED);
    private final List<Sender> senders = new ArrayList<>();

    /** A port with frames of one size whenever it has any. */
    private final class Sender {
        final int frame;
        final int batch;
        final LongPredicate busy;
        final Flow flow;
        long bytes;

        Sender(
                UplinkScheduler uplink,
                QosSettings settings,
                int frame,
                int batch,
                LongPredicate busy) {
            this.frame = frame;
            this.batch = batch;
            this.busy = busy;
            flow = uplink.add(settings.shares(), settings.reservation(), settings.limit(), 0);
            senders.add(this);
        }

        void poll(UplinkScheduler uplink, long now) {
            if (!uplink.admits(flow, now)) {
                return;
            }
            int most = Math.min(batch, flow.frames());
            int frames = busy.test(now) ? 1 + random.nextInt(most) : 0;
            if (frames > 0) {
                uplink.charge(flow, (long) frames * frame, frames, frames);
                bytes += (long) frames * frame;
            }
            uplink.polled(flow, frames);
        }
    }

    private static QosSettings settings(int shares, long reservation, long limit) {
        return new QosSettings(
                Optional.empty(),
                Optional.empty(),
                shares,
                reservation,
                limit,
                QosSettings.Marking.NONE);
    }

    private void run(UplinkScheduler uplink, long from, long to) {
        senders.forEach(sender -> sender.bytes = 0);
        for (long now = from; now < to; ) {
            for (var sender : senders) {
                sender.poll(uplink, now);
            }
            now +=
                    random.nextInt(1000) == 0
                            ? random.nextInt(1_000_000)
                            : 300 + random.nextInt(2000);
        }
    }

    private static double rate(Sender sender, double seconds) {
        return sender.bytes * 8 / seconds;
    }

    /** Rate on a wire with frames of this size, all that there is. */
    private static double wire(double speed, int frame) {
        return speed * frame / (frame + 20.0);
    }

    @ParameterizedTest
    @ValueSource(longs = {100_000_000, GIGABIT, 10 * GIGABIT})
    void sharesOfACongestedUplink(long speed) {
        var uplink = new UplinkScheduler(speed, 0);
        var one = new Sender(uplink, settings(100, 0, 0), 1518, 64, ALWAYS);
        var two = new Sender(uplink, settings(200, 0, 0), 1518, 8, ALWAYS);
        var four = new Sender(uplink, settings(400, 0, 0), 1518, 64, ALWAYS);
        run(uplink, 0, SECOND / 4);
        run(uplink, SECOND / 4, SECOND / 4 + 2 * SECOND);
        double unit = one.bytes;
        assertThat(two.bytes / unit).as("seed %d", SEED).isCloseTo(2, within(0.1));
        assertThat(four.bytes / unit).as("seed %d", SEED).isCloseTo(4, within(0.2));
        double sum = rate(one, 2) + rate(two, 2) + rate(four, 2);
        assertThat(sum / wire(speed, 1518)).as("seed %d", SEED).isCloseTo(1, within(0.02));
    }

    @Test
    void sharesDoNotDependOnTheSizeOfFrames() {
        var uplink = new UplinkScheduler(10 * GIGABIT, 0);
        var small = new Sender(uplink, settings(100, 0, 0), 64, 64, ALWAYS);
        var large = new Sender(uplink, settings(100, 0, 0), 67_770, 64, ALWAYS);
        run(uplink, 0, SECOND / 4);
        run(uplink, SECOND / 4, SECOND / 4 + 2 * SECOND);
        assertThat((double) small.bytes / large.bytes).isCloseTo(1, within(0.05));
    }

    @Test
    void aReservationHoldsUnderLoad() {
        var uplink = new UplinkScheduler(GIGABIT, 0);
        var reserved = new Sender(uplink, settings(1, 400_000_000, 0), 1518, 32, ALWAYS);
        var others = new ArrayList<Sender>();
        for (int i = 0; i < 8; i++) {
            others.add(new Sender(uplink, settings(1000, 0, 0), 1518, 64, ALWAYS));
        }
        run(uplink, 0, SECOND / 4);
        run(uplink, SECOND / 4, SECOND / 4 + 2 * SECOND);
        assertThat(rate(reserved, 2) / 400_000_000).isBetween(0.98, 1.03);
        double rest = others.stream().mapToDouble(sender -> rate(sender, 2)).sum();
        assertThat(rest / (wire(GIGABIT, 1518) - 400_000_000)).isBetween(0.96, 1.02);
    }

    @Test
    void aReservationIsALeastAndNotAMost() {
        var uplink = new UplinkScheduler(GIGABIT, 0);
        var reserved = new Sender(uplink, settings(300, 100_000_000, 0), 1518, 32, ALWAYS);
        var other = new Sender(uplink, settings(100, 0, 0), 1518, 32, ALWAYS);
        run(uplink, 0, SECOND / 4);
        run(uplink, SECOND / 4, SECOND / 4 + 2 * SECOND);
        assertThat((double) reserved.bytes / other.bytes).isCloseTo(3, within(0.15));
    }

    @Test
    void aLimitBindsAndTheOthersGetTheRest() {
        var uplink = new UplinkScheduler(GIGABIT, 0);
        var limited = new Sender(uplink, settings(1000, 0, 50_000_000), 1518, 64, ALWAYS);
        var other = new Sender(uplink, settings(100, 0, 0), 1518, 64, ALWAYS);
        run(uplink, 0, SECOND / 4);
        run(uplink, SECOND / 4, SECOND / 4 + 2 * SECOND);
        assertThat(rate(limited, 2) / 50_000_000).isCloseTo(1, within(0.02));
        assertThat(rate(other, 2) / (wire(GIGABIT, 1518) - 50_000_000)).isCloseTo(1, within(0.02));
    }

    @Test
    void aLimitBindsOnAnIdleUplinkToo() {
        var uplink = new UplinkScheduler(10 * GIGABIT, 0);
        var limited = new Sender(uplink, settings(100, 0, GIGABIT), 67_770, 16, ALWAYS);
        run(uplink, 0, SECOND / 4);
        run(uplink, SECOND / 4, SECOND / 4 + 2 * SECOND);
        assertThat(rate(limited, 2) / GIGABIT).isCloseTo(1, within(0.02));
    }

    @Test
    void whatOneDoesNotUseTheOthersHave() {
        var uplink = new UplinkScheduler(GIGABIT, 0);
        // Sends in the even seconds only, and is owed nothing for the odd ones.
        var now =
                new Sender(
                        uplink,
                        settings(400, 300_000_000, 0),
                        1518,
                        64,
                        at -> at / SECOND % 2 == 0);
        var always = new Sender(uplink, settings(100, 0, 0), 1518, 64, ALWAYS);
        run(uplink, 0, SECOND);
        run(uplink, SECOND, 2 * SECOND);
        assertThat(rate(always, 1) / wire(GIGABIT, 1518)).isCloseTo(1, within(0.02));
        run(uplink, 2 * SECOND, 3 * SECOND);
        assertThat((double) now.bytes / always.bytes).isCloseTo(4, within(0.2));
        run(uplink, 3 * SECOND, 4 * SECOND);
        assertThat(rate(always, 1) / wire(GIGABIT, 1518)).isCloseTo(1, within(0.02));
    }

    @Test
    void whoStandsStillIsNotWaitedFor() {
        var uplink = new UplinkScheduler(GIGABIT, 0);
        var stuck = new Sender(uplink, settings(1000, 0, 0), 1518, 64, ALWAYS);
        var other = new Sender(uplink, settings(1, 0, 0), 1518, 64, ALWAYS);
        run(uplink, 0, SECOND);
        senders.remove(stuck);
        uplink.stopped(stuck.flow);
        run(uplink, SECOND, 2 * SECOND);
        assertThat(rate(other, 1) / wire(GIGABIT, 1518)).isCloseTo(1, within(0.02));
        senders.add(stuck);
        run(uplink, 2 * SECOND, 3 * SECOND);
        assertThat(stuck.bytes).isGreaterThan(100 * other.bytes);
        uplink.remove(stuck.flow);
        senders.remove(stuck);
        run(uplink, 3 * SECOND, 4 * SECOND);
        assertThat(rate(other, 1) / wire(GIGABIT, 1518)).isCloseTo(1, within(0.02));
    }

    @Test
    void whoSendsNothingToTheUplinkIsNotHeldUp() {
        var uplink = new UplinkScheduler(GIGABIT, 0);
        for (int i = 0; i < 4; i++) {
            new Sender(uplink, settings(100, 0, 0), 1518, 64, ALWAYS);
        }
        var local = uplink.add(1, 0, 0, 0);
        run(uplink, 0, SECOND);
        for (int i = 0; i < 10; i++) {
            assertThat(uplink.admits(local, SECOND + i)).isTrue();
            uplink.polled(local, 64);
        }
    }
}
