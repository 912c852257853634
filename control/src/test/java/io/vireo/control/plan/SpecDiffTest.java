package io.vireo.control.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.Field;
import io.vireo.resource.Spec;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Which fields differ, and how they are called. */
final class SpecDiffTest {
    /** A card with a name. */
    public record Card(@Field("Name.") String name, @Field("MTU.") int mtu) {}

    /** A rule without a name. */
    public record Rule(@Field("Port.") int port) {}

    /** Something of each form. */
    public record TestSpec(
            @Field("Text.") Optional<String> text,
            @Field("Cards.") List<Card> cards,
            @Field("Rules.") List<Rule> rules,
            @Field("Numbers.") List<Integer> numbers,
            @Field("One.") Optional<Card> one)
            implements Spec {}

    private static final TestSpec NOTHING =
            new TestSpec(Optional.empty(), List.of(), List.of(), List.of(), Optional.empty());

    private static List<String> diff(TestSpec before, TestSpec after) {
        return SpecDiff.between(before, after).stream()
                .map(change ->
                        change.field()
                                + ": "
                                + change.before().map(JsonNode::toString).orElse("-")
                                + " -> "
                                + change.after().map(JsonNode::toString).orElse("-"))
                .toList();
    }

    private static TestSpec cards(Card... cards) {
        return new TestSpec(
                Optional.empty(), List.of(cards), List.of(), List.of(), Optional.empty());
    }

    private static TestSpec rules(int... ports) {
        List<Rule> rules = Arrays.stream(ports).mapToObj(Rule::new).toList();
        return new TestSpec(Optional.empty(), List.of(), rules, List.of(), Optional.empty());
    }

    @Test
    void equalSpecsDoNotDiffer() {
        assertThat(diff(cards(new Card("a", 1)), cards(new Card("a", 1)))).isEmpty();
    }

    @Test
    void fieldsComeGoAndChangeAlsoWithinOthers() {
        var before =
                new TestSpec(
                        Optional.of("x"),
                        List.of(),
                        List.of(),
                        List.of(1, 2),
                        Optional.of(new Card("a", 1)));
        var after =
                new TestSpec(
                        Optional.of("y"),
                        List.of(),
                        List.of(),
                        List.of(1, 3),
                        Optional.of(new Card("a", 2)));
        assertThat(diff(before, after))
                .containsExactly(
                        "text: \"x\" -> \"y\"", "numbers: [1,2] -> [1,3]", "one.mtu: 1 -> 2");
        assertThat(diff(NOTHING, before)).contains("text: - -> \"x\"", "numbers: - -> [1,2]");
        assertThat(diff(before, NOTHING)).contains("one: {\"name\":\"a\",\"mtu\":1} -> -");
    }

    @Test
    void entriesWithNamesAreToldApartByThem() {
        var a = new Card("a", 1);
        var b = new Card("b", 1);
        assertThat(diff(cards(a, b), cards(new Card("b", 9))))
                .containsExactly(
                        "cards[a]: {\"name\":\"a\",\"mtu\":1} -> -", "cards[b].mtu: 1 -> 9");
        assertThat(diff(cards(a, b), cards(b, a)))
                .containsExactly("cards: [\"a\",\"b\"] -> [\"b\",\"a\"]");
        assertThat(diff(cards(a, a), cards(a, b)))
                .as("a name that is there twice names nothing")
                .containsExactly("cards[1].name: \"a\" -> \"b\"");
    }

    @Test
    void entriesWithoutNamesAreToldApartByTheirPlaceWhileThatHolds() {
        assertThat(diff(rules(1, 2), rules(1, 3))).containsExactly("rules[1].port: 2 -> 3");
        assertThat(diff(rules(1, 2), rules(2)))
                .containsExactly("rules: [{\"port\":1},{\"port\":2}] -> [{\"port\":2}]");
    }
}
