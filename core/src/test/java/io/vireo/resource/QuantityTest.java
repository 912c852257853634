package io.vireo.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("endurance")
final class QuantityTest {
    @ParameterizedTest
    @CsvSource({
        "0,0",
        "512,512",
        "1Ki,1024",
        "10Gi,10737418240",
        "10GiB,10737418240",
        "1.5Gi,1610612736",
        "1k,1000",
        "2T,2000000000000",
        "7Ei,8070450532247928832",
        "9223372036854775807,9223372036854775807"
    })
    void reads(String text, long bytes) {
        assertThat(Quantity.parse(text).bytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-1",
                "1 Gi",
                "Gi",
                "1Zi",
                "1e3",
                "0x10",
                "1.3",
                "0.0001Ki",
                "8Ei",
                "99999999999999999999"
            })
    void refuses(String text) {
        assertThatThrownBy(() -> Quantity.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'");
    }

    @ParameterizedTest
    @CsvSource({
        "1.3Gi,1332Mi",
        "1.3Mi,1332Ki",
        "0.0001Ki,1",
        "1.0001k,1001",
        "1.3,'whole bytes, or a unit behind the number, like 2Gi'"
    })
    void saysWhatToWriteForAFractionOfAByte(String text, String instead) {
        assertThatThrownBy(() -> Quantity.parse(text))
                .hasMessage("'" + text + "' is not a whole number of bytes; write " + instead);
    }

    @Test
    void writesWhatItReads() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("seed " + seed + " (replay with -Dvireo.seed)");
        var random = new Random(seed);
        for (int i = 0; i < 1000; i++) {
            var quantity =
                    new Quantity(
                            random.nextLong(Long.MAX_VALUE)
                                            >> random.nextInt(63)
                                            << random.nextInt(10)
                                    & Long.MAX_VALUE);
            assertThat(Quantity.parse(quantity.toString())).isEqualTo(quantity);
        }
        assertThat(new Quantity(10L << 30)).hasToString("10Gi");
        assertThat(new Quantity(0)).hasToString("0");
        assertThat(new Quantity(10_000_000_000L)).hasToString("10G");
        assertThat(new Quantity(1000)).hasToString("1k");
        assertThat(new Quantity(512_000)).hasToString("500Ki");
    }
}
