package io.vireo.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VlanSetTest {
    @Test
    void rangesAreSortedAndJoined() {
        assertThat(VlanSet.parse("30, 10-20,21,15-18")).hasToString("10-21,30");
        assertThat(VlanSet.of(List.of(3, 1, 2))).isEqualTo(VlanSet.parse("1-3"));
        assertThat(VlanSet.parse("5").plus(VlanSet.parse("4094,6"))).hasToString("5-6,4094");
        assertThat(VlanSet.NONE.isEmpty()).isTrue();
    }

    @Test
    void knowsItsMembers() {
        var vlans = VlanSet.parse("1-2,4094");
        var all = new ArrayList<Integer>();
        vlans.forEach(all::add);
        assertThat(all).containsExactly(1, 2, 4094);
        assertThat(vlans.contains(2)).isTrue();
        assertThat(vlans.contains(3)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",", "1,", "a", "1-", "-1", "20-10", "0", "4095", "1-9999", "1--2"})
    void refusesWhatIsNone(String text) {
        assertThatThrownBy(() -> VlanSet.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }
}
