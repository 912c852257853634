package io.vireo.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IpPrefixTest {
    @Test
    void readsBothFamilies() {
        assertThat(IpPrefix.parse("10.0.0.5"))
                .isEqualTo(new IpPrefix(false, 0, 0x0A00_0005L, 32))
                .hasToString("10.0.0.5");
        assertThat(IpPrefix.parse("192.168.0.0/16").lowMask()).isEqualTo(0xFFFF_0000L);
        assertThat(IpPrefix.parse("0.0.0.0/0").lowMask()).isZero();
        var six = IpPrefix.parse("2001:db8::/33");
        assertThat(six.high()).isEqualTo(0x2001_0DB8_0000_0000L);
        assertThat(six.highMask()).isEqualTo(0xFFFF_FFFF_8000_0000L);
        assertThat(six.lowMask()).isZero();
        assertThat(IpPrefix.parse("fd00::1:0/112").lowMask()).isEqualTo(-65536L);
        assertThat(IpPrefix.parse(six.toString())).isEqualTo(six);
        assertThat(IpPrefix.parse("fd00::1").isAddress()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "host",
                "10.0.0",
                "10.0.0.5/24",
                "10.0.0.0/33",
                "fd00::1/64",
                "fd00::/129",
                "10.0.0.0/",
                "10.0.0.0/-1",
                "fe80::1%lo"
            })
    void refusesWhatIsNone(String text) {
        assertThatThrownBy(() -> IpPrefix.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is not an address or prefix");
    }
}
