package io.vireo.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class CaseResultTest {
    @Test
    void ratioIsTheMedianOfThePairsAndNotTheRatioOfTheMedians() {
        var pairs =
                List.of(
                        new CaseResult.Pair(10, 10),
                        new CaseResult.Pair(30, 10),
                        new CaseResult.Pair(40, 20));

        var result = CaseResult.of("case", CaseResult.Unit.rate("Mpps"), "peer", pairs);

        assertThat(result.ratio()).isEqualTo(2);
        assertThat(result.ratioMin()).isEqualTo(1);
        assertThat(result.ratioMax()).isEqualTo(3);
        assertThat(result.vireo()).isEqualTo(30);
        assertThat(result.peer()).isEqualTo(10);
        assertThat(result.windows()).isEqualTo(3);
    }

    @Test
    void costBelowItsLimitHasARatioAboveOne() {
        var pairs = List.of(new CaseResult.Pair(10, 20));
        var time = CaseResult.Unit.time("us");
        assertThat(CaseResult.of("latency", time, "peer", pairs).ratio()).isEqualTo(2);
        assertThat(CaseResult.cost("idle", "%", 0.5, 2).ratio()).isEqualTo(4);
    }

    @Test
    void medianOfAnEvenNumberLiesBetweenTheMiddleTwo() {
        assertThat(CaseResult.median(new double[] {4, 1, 3, 2})).isEqualTo(2.5);
    }
}
