package io.vireo.cli.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

final class DocumentsTest {
    @Test
    void readsDocumentsListsAndComments() {
        List<ObjectNode> resources =
                Documents.read(
                        "# comment\nkind: A\n---\nitems:\n- kind: B\n- kind: C\n---\n---\n{\"kind\":\"D\"}\n");

        assertThat(resources)
                .extracting(each -> each.path("kind").asString())
                .containsExactly("A", "B", "C", "D");
    }

    @Test
    void tellsWhereATextIsWrong() {
        assertThatThrownBy(() -> Documents.read("kind: A\nspec: [1, 2\n"))
                .hasMessageContaining("line");
        assertThatThrownBy(() -> Documents.read("just text"))
                .hasMessageContaining("must be a resource");
    }

    @Test
    void aTextThatIsWrongIsToldInOneLine() {
        assertThatThrownBy(() -> Documents.read("a: 1\nmetadata:\n\tname: x\n"))
                .hasMessage(
                        "while scanning for the next token, found character '\\t(TAB)' that cannot start"
                                + " any token. (Do not use \\t(TAB) for indentation) (line 3)");
    }

    @Test
    void aKeyIsThereOnce() {
        assertThatThrownBy(() -> Documents.read("spec:\n  mtu: 1500\n  mtu: 9000\n"))
                .hasMessageContaining("\"mtu\"")
                .hasMessageContaining("line 3");
    }

    @Test
    void anAliasIsNotTakenForTheNameOfWhatItStandsFor() {
        assertThatThrownBy(() -> Documents.read("a: &net lan\nnetwork: *net\n"))
                .hasMessage(
                        "the alias *net is not taken, as none is: write out what it stands for (line 2)");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "plain",
                "52:54:00:12:34:56",
                "12:34:56:78:11:22",
                "10Gi",
                "1e5",
                "0x10",
                "007",
                "yes",
                "no",
                "on",
                "null",
                "~",
                "true",
                "",
                " x",
                "a: b",
                "a #b",
                "- a",
                "*a",
                "&a",
                "!a",
                "a\nb",
                "1_000",
                ".5",
                ".inf",
                "2026-11-22",
                "'",
                "\""
            })
    void aStringStaysAString(String text) {
        ObjectNode node = JsonNodeFactory.instance.objectNode().put("value", text).put(text, 1);

        assertThat(Documents.read(Documents.yaml(List.of(node)))).containsExactly(node);
    }

    @Test
    void tablesAreAligned() {
        var table = new Table(List.of("NAME", "MTU", "MESSAGE"));
        table.add(List.of("lan", "1500", ""));
        table.add(List.of("a-long-name", "9000", "x"));

        assertThat(table)
                .hasToString(
                        "NAME         MTU   MESSAGE\nlan          1500  -\na-long-name  9000  x\n");
    }
}
