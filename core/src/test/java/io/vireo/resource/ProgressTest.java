package io.vireo.resource;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressTest {
    @Test
    void saysHowFarHowFastAndHowLong() {
        var move = new Progress("move", 1L << 30, 4L << 30, 10 << 20);
        assertThat(move.percent()).isEqualTo("25%");
        assertThat(move.rate()).isEqualTo("10Mi/s");
        assertThat(move.timeLeft()).isEqualTo("5m08s");
        assertThat(move.text()).isEqualTo("25% of 4Gi, 10Mi/s, 5m08s left");
        assertThat(new Progress("move", 1, 1L << 40, 1 << 20).timeLeft()).isEqualTo("291h16m");
    }

    @Test
    void saysWhatIsNotKnown() {
        var unknown = new Progress("move", 0, 0, 0);
        assertThat(List.of(unknown.percent(), unknown.rate(), unknown.timeLeft()))
                .containsExactly("0%", "-", "-");
        assertThat(new Progress("scrub", 0, 100, 0).text()).isEqualTo("0% of 100B");
    }

    @Test
    void aJobThatWaitsSaysHowLongYet() {
        var wait = new Wait("WaitsForOwner", "It waits for host a.", Duration.ofMillis(13_500));
        var waiting = Progress.waiting("open", wait);
        assertThat(List.of(waiting.percent(), waiting.rate(), waiting.timeLeft()))
                .containsExactly("0%", "-", "14s");
        wait = new Wait("WaitsForOwner", "It waits for host a.", Duration.ofSeconds(61));
        assertThat(Progress.waiting("open", wait).timeLeft()).isEqualTo("1m01s");
    }

    @Test
    void isNeverMoreThanDone() {
        // What was counted in the beginning may have grown since.
        var more = new Progress("scrub", 300, 200, 100);
        assertThat(more.percent()).isEqualTo("100%");
        assertThat(more.timeLeft()).isEqualTo("0s");
    }

    @Test
    void severalJobsStandSideBySide() {
        var attributes = new LinkedHashMap<String, String>();
        Progress.describe(List.of(), attributes);
        assertThat(attributes).isEmpty();
        Progress.describe(
                List.of(new Progress("drain", 50, 100, 25), new Progress("scrub", 0, 1L << 20, 0)),
                attributes);
        assertThat(attributes)
                .containsEntry("job", "drain,scrub")
                .containsEntry("progress", "50%,0%")
                .containsEntry("rate", "25B/s,-")
                .containsEntry("timeLeft", "2s,-");
    }
}
