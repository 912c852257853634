package io.vireo.control.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.control.store.SqliteStore;
import io.vireo.control.store.Store;
import io.vireo.control.store.Transaction;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("endurance")
final class IdentitiesTest {
    private static final IdentityConfig SMALL =
            config("52:54:00:12:34", IdentityConfig.Order.RANDOM);
    private static final IdentityConfig SEQUENTIAL =
            config("52:54:00:12:34", IdentityConfig.Order.SEQUENTIAL);

    private static IdentityConfig config(String macPrefix, IdentityConfig.Order order) {
        return new IdentityConfig(macPrefix, order, "s-", "3a000000000000", "iqn.2026-11.test:r7");
    }

    private static Set<Identity> macs(Set<String> macs) {
        return macs.stream()
                .map(mac -> new Identity(IdentitySort.MAC, mac))
                .collect(Collectors.toSet());
    }

    @TempDir Path directory;
    private Store store;
    private final Random random = new Random(1);

    @BeforeEach
    void open() {
        store = SqliteStore.open(directory.resolve("store.db"));
    }

    @AfterEach
    void close() {
        store.close();
    }

    private Identities identities(IdentityConfig config) {
        return new Identities(store, config, random);
    }

    private void commit(Identities.Draft draft) {
        var transaction = new Transaction();
        draft.writeTo(transaction);
        store.commit(transaction);
        draft.accept();
    }

    private String draw(Identities identities, String owner) {
        Identities.Draft draft = identities.draft();
        String mac = draft.draw(IdentitySort.MAC, owner);
        commit(draft);
        return mac;
    }

    @Test
    void drawsEachAddressOnceAndTellsWhenThereAreNoMore() {
        Identities identities = identities(SMALL);
        Set<String> drawn = new HashSet<>();
        for (int i = 0; i < 255; i++) {
            drawn.add(draw(identities, "web" + i + ".eth0"));
        }

        assertThat(drawn)
                .hasSize(255)
                .allMatch(mac -> mac.startsWith("52:54:00:12:34:"))
                .doesNotContain("52:54:00:12:34:00");
        assertThatThrownBy(() -> identities.draft().draw(IdentitySort.MAC, "more.eth0"))
                .isInstanceOfSatisfying(
                        ResourceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.EXHAUSTED));
    }

    @Test
    void sequentialOnesGoOnAfterARestartAndDoNotReturnAtOnce() {
        Identities first = identities(SEQUENTIAL);
        assertThat(draw(first, "a.eth0")).isEqualTo("52:54:00:12:34:01");
        assertThat(draw(first, "b.eth0")).isEqualTo("52:54:00:12:34:02");
        commit(first.release(macs(Set.of("52:54:00:12:34:01"))));

        Identities second = identities(SEQUENTIAL);

        assertThat(second.owner(IdentitySort.MAC, "52:54:00:12:34:01")).contains("a.eth0");
        assertThat(second.owner(IdentitySort.MAC, "52:54:00:12:34:02")).isEmpty();
        assertThat(draw(second, "c.eth0")).isEqualTo("52:54:00:12:34:03");
    }

    @Test
    void refusesWhatBelongsToAnotherAndNamesIt() {
        Identities identities = identities(SMALL);
        Identities.Draft draft = identities.draft();
        draft.take(IdentitySort.MAC, "52:54:00:00:00:01", "web1.eth0");
        draft.take(IdentitySort.MAC, "52:54:00:00:00:01", "web1.eth0");
        assertThatThrownBy(() -> draft.take(IdentitySort.MAC, "52:54:00:00:00:01", "web1.eth1"))
                .hasMessageContaining("web1.eth0");
        commit(draft);

        assertThatThrownBy(() ->
                        identities.draft().take(IdentitySort.MAC, "52:54:00:00:00:01", "web2.eth0"))
                .isInstanceOfSatisfying(
                        ResourceException.class,
                        e -> assertThat(e.context()).containsEntry("owner", "web1.eth0"));
    }

    @Test
    void aDraftThatIsNotCommittedTakesNothing() {
        Identities identities = identities(SEQUENTIAL);
        identities.draft().draw(IdentitySort.MAC, "a.eth0");

        assertThat(draw(identities, "b.eth0")).isEqualTo("52:54:00:12:34:01");
    }

    @Test
    void neverHasTwoLiveOwners() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("seed " + seed + " (replay with -Dvireo.seed)");
        var dice = new Random(seed);
        Identities identities = identities(SMALL);
        Map<String, String> live = new HashMap<>();
        for (int i = 0; i < 300; i++) {
            if (dice.nextInt(3) > 0 && live.size() < 250) {
                String mac = draw(identities, "d" + i + ".eth0");
                assertThat(live).doesNotContainKey(mac);
                live.put(mac, "d" + i + ".eth0");
            } else if (!live.isEmpty()) {
                live.remove(new TreeSet<>(live.keySet()).first());
                commit(identities.release(macs(live.keySet())));
            }
            if (dice.nextInt(50) == 0) {
                identities = identities(SMALL);
            }
        }
        for (var entry : live.entrySet()) {
            assertThat(identities.owner(IdentitySort.MAC, entry.getKey()))
                    .contains(entry.getValue());
        }
    }

    @Test
    void refusesPrefixesOfGroupAddresses() {
        assertThatThrownBy(() -> config("01:00", IdentityConfig.Order.RANDOM))
                .hasMessageContaining("first one even");
        assertThatThrownBy(() -> config("52:54:00:12:34:56", IdentityConfig.Order.RANDOM))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void worldWideNamesAndIscsiNamesAreDrawnFromRangesOfTheirOwn() {
        Identities identities = identities(SMALL);
        Set<String> drawn = new HashSet<>();
        for (int i = 0; i < 256; i++) {
            Identities.Draft draft = identities.draft();
            drawn.add(draft.draw(IdentitySort.WWN, "db" + i));
            commit(draft);
        }
        assertThat(drawn).hasSize(256).allMatch(wwn -> wwn.matches("3a000000000000[0-9a-f]{2}"));
        assertThatThrownBy(() -> identities.draft().draw(IdentitySort.WWN, "more"))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("all 256 identities of the wwn pool")
                .hasMessageContaining("--wwn-prefix");
        assertThat(identities.draft().draw(IdentitySort.IQN, "web1.hba0"))
                .matches("iqn\\.2026-11\\.test:r7:web1\\.hba0-[0-9a-f]{8}");
    }

    @Test
    void refusesPrefixesThatAreNone() {
        assertThatThrownBy(() ->
                        new IdentityConfig(
                                "56:49", IdentityConfig.Order.RANDOM, "", "4", "iqn.2026-11.a"))
                .hasMessageContaining("'4' is no prefix of World Wide Names");
        assertThatThrownBy(() ->
                        new IdentityConfig(
                                "56:49", IdentityConfig.Order.RANDOM, "", "3", "iqn.2026-11.A"))
                .hasMessageContaining("is no prefix of iSCSI names");
    }
}
