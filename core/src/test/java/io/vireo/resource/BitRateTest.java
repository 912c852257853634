package io.vireo.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BitRateTest {
    @ParameterizedTest
    @CsvSource({
        "1, 1, 1 bit/s",
        "64k, 64000, 64 kbit/s",
        "100Mbit/s, 100000000, 100 Mbit/s",
        "2.5G, 2500000000, 2.5 Gbit/s",
        "10Gbps, 10000000000, 10 Gbit/s",
        "1T, 1000000000000, 1 Tbit/s",
        "1234567, 1234567, 1.235 Mbit/s"
    })
    void reads(String text, long rate, String shown) {
        assertThat(BitRate.parse(text).bitsPerSecond()).isEqualTo(rate);
        assertThat(BitRate.parse(text).text()).isEqualTo(shown);
        assertThat(BitRate.parse(BitRate.parse(text).toString())).isEqualTo(BitRate.parse(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "-1", "1.5", "1Gi", "10g", "2T", "1 G", "99999999999999"})
    void refuses(String text) {
        assertThatThrownBy(() -> BitRate.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void showsTheShortestForm() {
        assertThat(BitRate.parse("1500M")).hasToString("1500M");
        assertThat(BitRate.parse("2000M")).hasToString("2G");
        assertThat(BitRate.parse("1k")).isLessThan(BitRate.parse("1M"));
    }
}
