package io.vireo.resource;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RatesTest {
    private final List<Violation> violations = new ArrayList<>();

    @Test
    void aNumberThatLacksItsUnitIsRefusedWithWhatIsMeant() {
        Rates.check("/cir", Optional.of(new BitRate(10)), violations);
        Rates.check("/pir", Optional.of(BitRate.parse("63999")), violations);
        Rates.checkBytes("/rate", Optional.of(new Quantity(100)), violations);
        Rates.checkBytes("/reserved", Optional.of(new Quantity(16383)), 16384, violations);
        assertThat(violations)
                .containsExactly(
                        new Violation(
                                "/cir",
                                "is 10 bit/s, less than the 64k that a rate has at least; write 10M"
                                        + " for 10 Mbit/s"),
                        new Violation(
                                "/pir",
                                "is 63999 bit/s, less than the 64k that a rate has at least; write"
                                        + " 63999M for 63.999 Gbit/s"),
                        new Violation(
                                "/rate",
                                "is 100 bytes per second, less than the 4Ki that a rate has at"
                                        + " least; write a unit behind the number, like 100Mi"),
                        new Violation(
                                "/reserved",
                                "is 16383 bytes per second, less than the 16Ki that a rate has at"
                                        + " least; write a unit behind the number, like 16383Mi"));
    }

    @Test
    void noBoundIsLeftOut() {
        Rates.checkBytes("/rate", Optional.of(new Quantity(0)), violations);
        assertThat(violations)
                .containsExactly(
                        new Violation("/rate", "must not be 0; leave it out for no bound"));
    }

    @Test
    void whatPeopleWantIsFine() {
        Rates.check("/cir", Optional.of(BitRate.parse("64k")), violations);
        Rates.check("/cir", Optional.empty(), violations);
        Rates.checkBytes("/rate", Optional.of(Quantity.parse("4Ki")), violations);
        Rates.checkBytes("/rate", Optional.empty(), violations);
        assertThat(violations).isEmpty();
    }
}
