package io.vireo.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class OptionsTest {
    @Test
    void quickMeansFewShortWindowsThatMayBeOverridden() {
        var options = Options.parse(List.of("net", "--quick", "--windows", "4", "--only", "64B"));

        assertThat(options.quick()).isTrue();
        assertThat(options.windows()).isEqualTo(4);
        assertThat(options.seconds()).isEqualTo(0.5);
        assertThat(options.wants("64B-l2")).isTrue();
        assertThat(options.wants("1518B-l2")).isFalse();
    }

    @Test
    void controlRunsDoNotOverwriteTheResult() {
        assertThat(Options.parse(List.of("blk", "--control")).resultName())
                .isEqualTo("blk-control");
    }

    @Test
    void nonsenseIsAnsweredByASentence() {
        assertThatThrownBy(() -> Options.parse(List.of("net", "--windows", "many")))
                .isInstanceOf(BenchException.class)
                .hasMessageContaining("--windows takes a number");
        assertThatThrownBy(() -> Options.parse(List.of("net", "--soak")))
                .isInstanceOf(BenchException.class)
                .hasMessageContaining("--soak takes a number above 0");
        assertThatThrownBy(() -> Options.parse(List.of("qos", "--control")))
                .isInstanceOf(BenchException.class)
                .hasMessageContaining("qos has no peer");
        assertThatThrownBy(() -> Options.parse(List.of("net", "--fast")))
                .isInstanceOf(BenchException.class)
                .hasMessageContaining("Unknown option --fast");
    }
}
