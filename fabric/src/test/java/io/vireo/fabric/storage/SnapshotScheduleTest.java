package io.vireo.fabric.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockPool;
import io.vireo.block.PooledVolume;
import io.vireo.block.SnapshotGroup;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.SnapshotScheduleSpec;
import io.vireo.testkit.EmptyPool;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When a schedule makes snapshots, and which it deletes, by a clock of the test's. */
class SnapshotScheduleTest {
    private static final SnapshotScheduleSpec HOURLY =
            new SnapshotScheduleSpec(List.of("data"), 60, 5, 3);

    private Instant now = Instant.parse("2026-11-28T20:00:00Z");
    private final FakePool pool = new FakePool();
    private final SnapshotSchedule schedule =
            SnapshotSchedule.stepped(
                    "hourly", new GroupedVolumes(List.of(new Data())), HOURLY, () -> now);

    private boolean moving;

    private List<String> names() {
        return pool.groups.stream().map(SnapshotGroup::name).toList();
    }

    private boolean after(Duration time) {
        now = now.plus(time);
        return schedule.step(HOURLY);
    }

    @Test
    void itIsTimeOnceAnHour() {
        assertThat(after(Duration.ZERO)).as("the first, at once").isTrue();
        assertThat(after(Duration.ofMinutes(4))).isFalse();
        assertThat(after(Duration.ofMinutes(1))).as("20:05").isTrue();
        assertThat(after(Duration.ofMinutes(59))).isFalse();
        assertThat(after(Duration.ofMinutes(1))).as("21:05").isTrue();
        assertThat(names())
                .containsExactly(
                        "hourly-20261128t200000z",
                        "hourly-20261128t200500z",
                        "hourly-20261128t210500z");
        assertThat(schedule.status().attributes())
                .containsEntry("kept", "3")
                .containsEntry("last", "hourly-20261128t210500z")
                .containsEntry("next", "2026-11-28T22:05:00Z");
    }

    /** A move takes along what was there when it began. */
    @Test
    void whatMovesIsLeftAlone() {
        assertThat(after(Duration.ZERO)).isTrue();
        moving = true;
        assertThat(after(Duration.ofMinutes(1))).as("it is not time").isFalse();
        assertThatThrownBy(() -> after(Duration.ofHours(1))).hasMessageContaining("moved");
        assertThat(names()).hasSize(1);
        moving = false;
        assertThat(after(Duration.ZERO)).isTrue();
        assertThat(names()).hasSize(2);
    }

    private final class Named implements PooledVolume {
        private final String name;
        private final List<String> asked;

        Named(String name, List<String> asked) {
            this.name = name;
            this.asked = asked;
        }

        @Override
        public BlockPool pool() {
            return pool;
        }

        @Override
        public String volumeName() {
            return name;
        }

        @Override
        public void atRest(Runnable task) {
            asked.add(name);
            task.run();
        }
    }

    /** Two schedules that have the same vDisks never wait for each other. */
    @Test
    void vdisksAreHeldInOneOrder() {
        var one = new ArrayList<String>();
        var other = new ArrayList<String>();
        new GroupedVolumes(List.of(new Named("a", one), new Named("b", one)))
                .atRest(() -> one.add("all"));
        new GroupedVolumes(List.of(new Named("b", other), new Named("a", other)))
                .atRest(() -> other.add("all"));
        assertThat(one).hasSize(3).endsWith("all").isEqualTo(other);
    }

    @Test
    void theOldestGo() {
        for (int i = 0; i < 6; i++) {
            assertThat(after(Duration.ofHours(1))).isTrue();
        }
        assertThat(names())
                .containsExactly(
                        "hourly-20261129t000000z",
                        "hourly-20261129t010000z",
                        "hourly-20261129t020000z");
        assertThat(schedule.step(new SnapshotScheduleSpec(List.of("data"), 60, 5, 1)))
                .as("fewer are to be kept")
                .isTrue();
        assertThat(names()).containsExactly("hourly-20261129t020000z");
    }

    @Test
    void whatWasMissedIsMadeOnceAndWhatIsOthersStays() {
        assertThat(after(Duration.ZERO)).isTrue();
        pool.groups.add(new SnapshotGroup("hourly-mine", now, List.of("data")));
        pool.groups.add(new SnapshotGroup("hourly-x-20261128t200000z", now, List.of("data")));
        assertThat(after(Duration.ofDays(3))).as("no daemon ran").isTrue();
        assertThat(after(Duration.ZERO)).isFalse();
        for (int i = 0; i < 5; i++) {
            assertThat(after(Duration.ofHours(1))).isTrue();
        }
        assertThat(names()).hasSize(5).contains("hourly-mine", "hourly-x-20261128t200000z");
    }

    private final class Data implements PooledVolume {
        @Override
        public BlockPool pool() {
            return pool;
        }

        @Override
        public String volumeName() {
            return "data";
        }

        @Override
        public void atRest(Runnable task) {
            if (moving) {
                throw new ResourceException(ErrorCode.NOT_READY, "it is being moved");
            }
            task.run();
        }
    }

    private final class FakePool extends EmptyPool {
        private final List<SnapshotGroup> groups = new ArrayList<>();

        @Override
        public void createGroup(String group, List<String> volumes) {
            groups.add(new SnapshotGroup(group, now, volumes));
        }

        @Override
        public void deleteGroup(String group) {
            groups.removeIf(each -> each.name().equals(group));
        }

        @Override
        public List<SnapshotGroup> groups(String prefix) {
            return groups.stream().filter(each -> each.name().startsWith(prefix)).toList();
        }
    }
}
