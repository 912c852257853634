package io.vireo.control;

import static io.vireo.control.testing.Manifests.apply;
import static io.vireo.control.testing.Manifests.await;
import static io.vireo.control.testing.Manifests.awaitReady;
import static io.vireo.control.testing.Manifests.resource;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.control.testing.FakeWorld;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.VhbaSpec;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** World Wide Names and iSCSI names of vHBAs. */
final class VhbaIdentitiesTest {
    @TempDir Path directory;
    private final FakeWorld world = new FakeWorld();
    private ControlPlane control;

    @BeforeEach
    void open() {
        control =
                ControlPlane.open(
                        ControlConfig.at(directory.resolve("store.db")),
                        world.kinds(),
                        new Services());
    }

    @AfterEach
    void close() {
        world.releaseCloses();
        control.close();
    }

    private static JsonNode vhba(String name, String fields) {
        return resource("Vhba", name, "{'luns':[]" + fields + "}");
    }

    private VhbaSpec spec(String name) {
        return (VhbaSpec) control.get(new Reference("Vhba", name)).resource().spec();
    }

    @Test
    void areDrawnOnceAndStay() {
        apply(control, vhba("db1", ""), vhba("db2", ""));
        VhbaSpec drawn = spec("db1");
        assertThat(drawn.wwpn().orElseThrow()).matches("3[0-9a-f]{15}");
        assertThat(drawn.iqn().orElseThrow())
                .matches("iqn\\.2026-11\\.internal\\.vireo:db1-[0-9a-f]{8}");
        Set<String> names = new HashSet<>();
        for (String name : List.of("db1", "db2")) {
            names.add(spec(name).wwpn().orElseThrow());
            names.add(spec(name).wwnn().orElseThrow());
            names.add(spec(name).iqn().orElseThrow());
        }
        assertThat(names).hasSize(6);

        apply(control, vhba("db1", ",'queues':2"));
        assertThat(spec("db1").withNames(drawn.wwpn(), drawn.wwnn(), drawn.iqn()))
                .isEqualTo(spec("db1"));
        control.close();
        open();
        apply(control, vhba("db1", ""));
        assertThat(spec("db1")).isEqualTo(drawn);
    }

    @Test
    void aNameOfAnotherIsRefusedHoweverItIsWritten() {
        apply(
                control,
                vhba(
                        "db1",
                        ",'wwpn':'50014380DEADBEEF','wwnn':'50014380deadbee0','iqn':'iqn.2026-11.test:x'"));
        for (String taken :
                List.of(
                        ",'wwpn':'50:01:43:80:de:ad:be:ef'",
                        ",'wwnn':'50014380deadbeef'",
                        ",'wwpn':'50014380deadbee0'",
                        ",'iqn':'iqn.2026-11.test:x'")) {
            assertThatThrownBy(() -> apply(control, vhba("db2", taken)))
                    .isInstanceOfSatisfying(
                            ResourceException.class,
                            e -> {
                                assertThat(e.code()).isEqualTo(ErrorCode.CONFLICT);
                                assertThat(e.context()).containsEntry("owner", "db1");
                            })
                    .hasMessageContaining("of db2 belongs to db1; choose another one");
        }
        assertThatThrownBy(() ->
                        apply(
                                control,
                                vhba("a", ",'wwpn':'2000000000000001'"),
                                vhba("b", ",'wwpn':'2000000000000001'")))
                .isInstanceOf(ResourceException.class);
    }

    @Test
    void areGivenBackWhenTheyAreNotUsedAnyMore() {
        apply(control, vhba("db1", ",'wwpn':'2000000000000001'"));
        awaitReady(control);
        world.holdCloses();
        control.delete(List.of(new Reference("Vhba", "db1")));
        await(() -> world.journal().contains("close Vhba/db1"), () -> "closed: " + world.journal());
        assertThatThrownBy(() -> apply(control, vhba("db2", ",'wwpn':'2000000000000001'")))
                .hasMessageContaining("belongs to db1");
        world.releaseCloses();
        await(
                () -> {
                    try {
                        apply(control, vhba("db2", ",'wwpn':'2000000000000001'"));
                        return true;
                    } catch (ResourceException _) {
                        return false;
                    }
                },
                () -> "it is held still");
    }

    /** What initiators call a target is an identity, too: those of one vHBA may share theirs. */
    @Test
    void namesOfTargetsAreThoseOfOneVhbaOnly() {
        JsonNode portal = resource("IscsiPortal", "san", "{'address':'127.0.0.1'}");
        apply(control, portal, vhba("db1", ""), vhba("db2", ",'iqn':'iqn.2026-11.test:two'"));
        apply(
                control,
                target("t1", "db1", "iqn.2026-11.test:one"),
                target("t2", "db1", "iqn.2026-11.test:one"));
        for (String other : List.of("iqn.2026-11.test:one", "iqn.2026-11.test:two")) {
            String vhba = other.endsWith("one") ? "db2" : "db1";
            assertThatThrownBy(() -> apply(control, target("t3", vhba, other)))
                    .hasMessageContaining("the iSCSI name " + other + " of " + vhba);
        }
    }

    private static JsonNode target(String name, String vhba, String targetName) {
        return resource(
                "IscsiTarget",
                name,
                "{'vhba':'"
                        + vhba
                        + "','targetName':'"
                        + targetName
                        + "','portals':['san'],'initiators':['*']}");
    }
}
