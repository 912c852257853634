package io.vireo.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.control.KindRegistry;
import io.vireo.control.testing.FakeWorld;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The description is whole: whether it is up to date is tested where all kinds are, in server. */
final class OpenApiTest {
    private final KindRegistry kinds = new KindRegistry(new FakeWorld().kinds());
    private final JsonNode document =
            JsonMapper.builder().build().readTree(OpenApi.document(kinds));

    @Test
    void everyReferenceLeadsSomewhere() {
        for (JsonNode reference : document.findValues("$ref")) {
            assertThat(document.at(reference.asString().substring(1)).isMissingNode())
                    .as(reference.asString())
                    .isFalse();
        }
    }

    @Test
    void everyRouteIsDescribedUnderItsOwnName() {
        Set<String> ids = new HashSet<>();
        for (Route route : RouteTable.describe(kinds)) {
            String pointer =
                    "/paths/"
                            + route.template().replace("/", "~1")
                            + "/"
                            + route.method().toLowerCase(Locale.ROOT);
            assertThat(document.at(pointer + "/operationId").asString()).isEqualTo(route.id());
            assertThat(ids.add(route.id())).as(route.id()).isTrue();
        }
    }

    @Test
    void schemasTellDefaultsRangesAndRequiredFields() {
        JsonNode disk = document.at("/components/schemas/VdiskSpec");
        assertThat(disk.at("/required").toString()).isEqualTo("[\"pool\",\"size\"]");
        assertThat(disk.at("/properties/blockSize/default").asInt()).isEqualTo(512);
        assertThat(disk.at("/additionalProperties").asBoolean()).isFalse();
        JsonNode nic = document.at("/components/schemas/ServerProfileSpec/properties/vnics/items");
        assertThat(nic.at("/properties/vlan/maximum").asInt()).isEqualTo(4094);
        assertThat(nic.at("/properties/socketMode/enum").toString())
                .isEqualTo("[\"server\",\"client\"]");
    }

    @Test
    void derivedKindsCannotBeWritten() {
        assertThat(document.at("/paths/~1v1~1vnics~1{name}/put").isMissingNode()).isTrue();
        assertThat(document.at("/paths/~1v1~1vnics~1{name}/get").isMissingNode()).isFalse();
    }
}
