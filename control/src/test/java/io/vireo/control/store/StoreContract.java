package io.vireo.control.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What every store does. A subclass opens one; opening again must find what was committed. */
@Tag("endurance")
abstract class StoreContract {
    private Store store;

    /** Opens the store of this test, which is the same one each time. */
    abstract Store open();

    @BeforeEach
    final void openFirst() {
        store = open();
    }

    @AfterEach
    final void closeLast() {
        store.close();
    }

    private long put(String key, String value) {
        return store.commit(new Transaction().put(key, value)).orElseThrow();
    }

    @Test
    void startsEmptyAtRevisionZero() {
        assertThat(store.revision()).isZero();
        assertThat(store.list("").entries()).isEmpty();
        assertThat(store.get("/a")).isEmpty();
    }

    @Test
    void remembersWhenAKeyWasCreatedAndWrittenLast() {
        long created = put("/a", "1");
        long written = put("/a", "2");

        assertThat(store.get("/a")).contains(new Store.Entry("/a", "2", created, written));
        assertThat(written).isEqualTo(created + 1);
    }

    @Test
    void aKeyThatWasDeletedIsCreatedAnew() {
        put("/a", "1");
        store.commit(new Transaction().delete("/a"));
        long again = put("/a", "2");

        assertThat(store.get("/a")).contains(new Store.Entry("/a", "2", again, again));
    }

    @Test
    void allWritesOfATransactionHaveOneRevision() {
        long revision = store.commit(new Transaction().put("/a", "1").put("/b", "2")).orElseThrow();

        assertThat(store.list("").entries())
                .extracting(Store.Entry::modRevision)
                .containsOnly(revision);
        assertThat(store.revision()).isEqualTo(revision);
    }

    @Test
    void aConditionThatDoesNotHoldStopsAll() {
        long revision = put("/a", "1");

        assertThat(
                        store.commit(
                                new Transaction()
                                        .require("/a", revision - 1)
                                        .put("/a", "2")
                                        .put("/b", "2")))
                .isEmpty();
        assertThat(store.commit(new Transaction().require("/a", 0).put("/a", "2"))).isEmpty();
        assertThat(store.commit(new Transaction().require("/b", revision).put("/b", "2")))
                .isEmpty();
        assertThat(store.list("").entries()).extracting(Store.Entry::value).containsExactly("1");
        assertThat(store.revision()).isEqualTo(revision);

        assertThat(
                        store.commit(
                                new Transaction()
                                        .require("/a", revision)
                                        .require("/b", 0)
                                        .put("/a", "2")))
                .isPresent();
    }

    @Test
    void deletingWhatIsNotThereChangesNothing() {
        long revision = put("/a", "1");

        assertThat(store.commit(new Transaction().delete("/b"))).contains(revision);
        assertThat(store.revision()).isEqualTo(revision);
    }

    @Test
    void listsByPrefixInOrderAndTakesWildcardsLiterally() {
        put("/a/2", "x");
        put("/a/1", "x");
        put("/ab", "x");
        put("/b/%_", "x");
        put("/b/zz", "x");

        assertThat(store.list("/a/").entries())
                .extracting(Store.Entry::key)
                .containsExactly("/a/1", "/a/2");
        assertThat(store.list("/b/%").entries())
                .extracting(Store.Entry::key)
                .containsExactly("/b/%_");
        assertThat(store.list("").revision()).isEqualTo(store.revision());
    }

    @Test
    void keepsAnyText() {
        String value = "'; DROP TABLE kv; --\n\u0000 \uD83D\uDE00 " + "x".repeat(100_000);
        put("/\u00e4'\"", value);

        assertThat(store.get("/\u00e4'\"").orElseThrow().value()).isEqualTo(value);
    }

    @Test
    void whatWasCommittedIsThereAfterOpeningAgain() {
        long revision = put("/a", "1");
        store.close();
        store = open();

        assertThat(store.get("/a")).contains(new Store.Entry("/a", "1", revision, revision));
        assertThat(store.revision()).isEqualTo(revision);
        assertThat(put("/a", "2")).isEqualTo(revision + 1);
    }

    @Test
    void aClosedStoreSaysSo() {
        store.close();

        assertThatThrownBy(() -> store.get("/a"))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void behavesLikeAMap() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("seed " + seed + " (replay with -Dvireo.seed)");
        var random = new Random(seed);
        Map<String, String> model = new TreeMap<>();
        for (int i = 0; i < 150; i++) {
            var transaction = new Transaction();
            Map<String, String> next = new TreeMap<>(model);
            for (int j = random.nextInt(1, 4); j > 0; j--) {
                String key = "/" + random.nextInt(8);
                if (random.nextInt(3) == 0) {
                    transaction.delete(key);
                    next.remove(key);
                } else {
                    transaction.put(key, "v" + i);
                    next.put(key, "v" + i);
                }
            }
            String guard = "/" + random.nextInt(8);
            boolean holds = random.nextBoolean();
            long actual = store.get(guard).map(Store.Entry::modRevision).orElse(0L);
            transaction.require(guard, holds ? actual : actual + 1);
            assertThat(store.commit(transaction).isPresent()).isEqualTo(holds);
            model = holds ? next : model;
        }
        Map<String, String> stored = new TreeMap<>();
        store.list("").entries().forEach(entry -> stored.put(entry.key(), entry.value()));
        assertThat(stored).isEqualTo(model);
    }
}
