package io.vireo.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;

class JsonTest {
    @Test
    void writesWhatAResultNeeds() {
        var value = new LinkedHashMap<String, Object>();
        value.put("text", "a \"b\"\n");
        value.put("rate", 38.125);
        value.put("none", Double.NaN);
        value.put("list", List.of(1, true));

        assertThat(Json.write(value))
                .isEqualTo(
                        "{\"text\":\"a \\\"b\\\"\\u000a\",\"rate\":38.13,\"none\":null,\"list\":[1,true]}");
    }
}
