package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("endurance")
class MacTableTest {
    private static final int LIMIT = 100;
    private static final int AGE = 300;

    private final MacTable table = new MacTable(LIMIT, AGE);

    @Test
    void findsWhatItLearned() {
        assertThat(table.find(7, 0)).isEqualTo(MacTable.NONE);
        assertThat(table.learn(7, 3, 0)).isTrue();
        assertThat(table.find(7, 0)).isEqualTo(3);
        assertThat(table.learn(7, 3, 0)).as("nothing new").isFalse();
    }

    @Test
    void stationsMove() {
        table.learn(7, 3, 0);
        assertThat(table.learn(7, 4, 0)).isTrue();
        assertThat(table.find(7, 0)).isEqualTo(4);
        assertThat(table.moved()).isEqualTo(1);
        assertThat(table.size()).isEqualTo(1);
    }

    @Test
    void forgetsAfterTheAgeingTimeAndNotBefore() {
        table.learn(7, 3, 10);
        assertThat(table.find(7, 10 + AGE)).isEqualTo(3);
        assertThat(table.find(7, 11 + AGE)).isEqualTo(MacTable.NONE);
        table.learn(7, 3, 11 + AGE);
        assertThat(table.find(7, 11 + AGE)).isEqualTo(3);
    }

    @Test
    void sweepingFreesOldStationsOnly() {
        for (int i = 1; i <= LIMIT; i++) {
            table.learn(i, 0, i % 2 * 1000);
        }
        for (int i = 0; i < table.slots(); i += 16) {
            table.sweep(16, 1000);
        }
        assertThat(table.size()).isEqualTo(LIMIT / 2);
        for (int i = 1; i <= LIMIT; i++) {
            assertThat(table.find(i, 1000)).isEqualTo(i % 2 == 1 ? 0 : MacTable.NONE);
        }
    }

    @Test
    void forgetsThePortThatLeft() {
        for (int i = 1; i <= LIMIT; i++) {
            table.learn(i, i % 5, 0);
        }
        table.forget(2);
        assertThat(table.size()).isEqualTo(LIMIT - LIMIT / 5);
        for (int i = 1; i <= LIMIT; i++) {
            assertThat(table.find(i, 0)).isEqualTo(i % 5 == 2 ? MacTable.NONE : i % 5);
        }
    }

    @Test
    void keepsItsLimitAndWhoFloodsItHurtsHimself() {
        for (int i = 1; i <= 10; i++) {
            table.learn(i, 1, 0);
        }
        for (int i = 1000; i < 20_000; i++) {
            table.learn(i, 2, 1 + i / 1000);
        }
        assertThat(table.size()).isEqualTo(LIMIT);
        for (int i = 1; i <= 10; i++) {
            assertThat(table.find(i, 20)).as("a station of the other port").isEqualTo(1);
        }
        int found = 0;
        for (int i = 100; i < 150; i++) {
            table.learn(i, 3, 20);
            found += table.find(i, 20) == 3 ? 1 : 0;
        }
        assertThat(found).as("a newcomer gets room from the one that has most").isGreaterThan(10);
        assertThat(table.evicted()).isPositive();
    }

    @Test
    void whatIsTooOldKeepsNobodyOut() {
        for (int i = 1; i <= LIMIT; i++) {
            table.learn(i, i == 7 ? 2 : 1, i == 7 ? 1 : 0);
        }
        for (int i = 1000; i < 1000 + LIMIT - 1; i++) {
            table.learn(i, 3, AGE + 1);
        }
        for (int i = 1000; i < 1000 + LIMIT - 1; i++) {
            assertThat(table.find(i, AGE + 1)).isEqualTo(3);
        }
        assertThat(table.find(7, AGE + 1)).as("not too old").isEqualTo(2);
        assertThat(table.evicted() + table.refused()).isZero();
    }

    @Test
    void aPortHasRoomOnceItsStationsAreTooOld() {
        table.learn(1, 1, 0);
        table.learn(2, 1, 5);
        assertThat(table.hasRoom(1, 2, AGE)).isFalse();
        assertThat(table.hasRoom(1, 3, AGE)).isTrue();
        assertThat(table.count(1)).as("nobody had to be forgotten").isEqualTo(2);
        assertThat(table.hasRoom(1, 2, AGE + 1)).isTrue();
        assertThat(table.count(1)).isEqualTo(1);
        assertThat(table.hasRoom(1, 1, AGE + 1)).isFalse();
        table.limits(LIMIT, AGE - 10);
        assertThat(table.hasRoom(1, 1, AGE + 1)).as("in the same second").isTrue();
    }

    @RepeatedTest(20)
    void agreesWithAPlainMap(RepetitionInfo info) {
        long seed = Long.getLong("vireo.seed", 1000L + info.getCurrentRepetition());
        System.out.println("seed " + seed);
        var random = new Random(seed);
        Map<Long, int[]> model = new HashMap<>();
        var big = new MacTable(1 << 20, AGE);
        int now = random.nextInt();
        for (int i = 0; i < 20_000; i++) {
            long station = 1 + random.nextInt(500) | (long) random.nextInt(4) << 48;
            switch (random.nextInt(10)) {
                case 0 -> now += random.nextInt(20);
                case 1 -> big.sweep(random.nextInt(64), now);
                case 2 -> {
                    if (random.nextInt(50) == 0) {
                        int port = random.nextInt(8);
                        big.forget(port);
                        model.values().removeIf(place -> place[0] == port);
                    }
                }
                case 3, 4, 5 -> {
                    int port = random.nextInt(8);
                    big.learn(station, port, now);
                    model.put(station, new int[] {port, now});
                }
                default -> {
                    var place = model.get(station);
                    int expected =
                            place != null && now - place[1] <= AGE ? place[0] : MacTable.NONE;
                    assertThat(big.find(station, now))
                            .as("seed %d, step %d", seed, i)
                            .isEqualTo(expected);
                }
            }
        }
    }

    /** A guest may choose its addresses, but not where they go. */
    @Test
    void addressesThatGoToOnePlaceElsewhereDoNotHere() {
        long known = 0x9E37_79B9_7F4A_7C15L;
        long inverse = known;
        for (int i = 0; i < 6; i++) {
            inverse *= 2 - known * inverse;
        }
        var large = new MacTable(4096, AGE);
        int learned = 0;
        for (long hash = 1; learned < 1000; hash++) {
            // Without a VLAN, and of a station.
            long station = hash * inverse;
            if (station >>> 48 == 0 && (station & 1) == 0) {
                large.learn(station, 1, 0);
                learned++;
            }
        }
        assertThat(large.longestSearch()).isLessThan(200);
    }

    /** Addresses as cards have them: one after the other. */
    @Test
    void runsOfAddressesAreSpread() {
        var large = new MacTable(1 << 15, AGE);
        for (int i = 0; i < 1 << 15; i++) {
            large.learn(PortRules.littleEndian(0x5254_0000_0000L + i), 1, 0);
        }
        assertThat(large.longestSearch()).isLessThan(300);
    }
}
