package io.vireo.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class NamesTest {
    @ParameterizedTest
    @ValueSource(strings = {"a", "0", "web-1", "a--b"})
    void labels(String name) {
        assertThat(Names.isLabel(name)).isTrue();
        assertThat(Names.problem(name)).isEmpty();
        assertThat(Names.isDerived(name)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-a", "a-", "A", "a.b", "..", "a/b", "a\0", "a\n", "\u00e4", "a b"})
    void noLabels(String name) {
        assertThat(Names.isLabel(name)).isFalse();
        assertThat(Names.problem(name)).isPresent();
    }

    @Test
    void haveALengthLimit() {
        assertThat(Names.isLabel("a".repeat(63))).isTrue();
        assertThat(Names.isLabel("a".repeat(64))).isFalse();
        assertThat(Names.isDevice("a".repeat(15))).isTrue();
        assertThat(Names.isDevice("a".repeat(16))).isFalse();
    }

    @Test
    void derivedOnesHaveTwoParts() {
        assertThat(Names.isDerived(Names.derived("web1", "eth0"))).isTrue();
        assertThat(Names.isDerived("web1.eth0.x")).isFalse();
        assertThat(Names.isDerived(".eth0")).isFalse();
    }

    @Test
    void macAddresses() {
        assertThat(MacAddress.parse("52:54:00:AB:cd:01")).hasToString("52:54:00:ab:cd:01");
        assertThat(MacAddress.parse("52:54:00:ab:cd:01").octets())
                .containsExactly(0x52, 0x54, 0, 0xab, 0xcd, 1);
        assertThatThrownBy(() -> MacAddress.parse("01:00:5e:00:00:01"))
                .hasMessageContaining("unicast");
        assertThatThrownBy(() -> MacAddress.parse("00:00:00:00:00:00"))
                .hasMessageContaining("unicast");
        assertThatThrownBy(() -> MacAddress.parse("52-54-00-ab-cd-01"))
                .hasMessageContaining("52:54:00:12:34:56");
    }
}
