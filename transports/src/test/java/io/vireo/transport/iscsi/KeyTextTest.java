package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.transport.iscsi.KeyText.Pair;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The limits of texts of keys and values. */
class KeyTextTest {
    private static List<Pair> parse(String text) throws LoginException {
        return KeyText.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    private static void assertRefused(String text, String why) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(LoginException.class)
                .hasMessageContaining(why);
    }

    @Test
    void whatIsWrittenIsRead() throws LoginException {
        var pairs = List.of(new Pair("A", ""), new Pair("X-io.vireo+1@_", "a=b,c"));
        assertThat(KeyText.parse(KeyText.format(pairs))).isEqualTo(pairs);
        assertThat(parse("\0\0A=b\0\0")).containsExactly(new Pair("A", "b"));
        assertThat(parse("")).isEmpty();
    }

    @Test
    void aValueHasUpTo8192Bytes() throws LoginException {
        assertThat(parse("CHAP_R=" + "0".repeat(8192) + "\0")).hasSize(1);
        assertRefused("CHAP_R=" + "0".repeat(8193) + "\0", "more than 8192 bytes");
    }

    @Test
    void aTextHasUpTo64Keys() throws LoginException {
        assertThat(parse("A=b\0".repeat(64))).hasSize(64);
        assertRefused("A=b\0".repeat(65), "more than 64 keys");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"a=b\0", "=b\0", "A\0", "A b=c\0", "\u00c4=b\0", "1=2\0", "Key\u0001=b\0"})
    void aKeyHasTheFormOfTheStandard(String text) {
        assertRefused(text, "Name=value");
    }

    @Test
    void aKeyHasUpTo63Bytes() throws LoginException {
        assertThat(parse("A".repeat(63) + "=b\0")).hasSize(1);
        assertRefused("A".repeat(64) + "=b\0", "Name=value");
        assertRefused("A".repeat(65535) + "\0", "Name=value");
    }

    @Test
    void theLastKeyEndsToo() {
        assertRefused("A=b\0C=d", "does not end with NUL");
    }
}
