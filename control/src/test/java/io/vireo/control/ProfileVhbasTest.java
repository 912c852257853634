package io.vireo.control;

import static io.vireo.control.testing.Manifests.apply;
import static io.vireo.control.testing.Manifests.await;
import static io.vireo.control.testing.Manifests.awaitReady;
import static io.vireo.control.testing.Manifests.json;
import static io.vireo.control.testing.Manifests.network;
import static io.vireo.control.testing.Manifests.pool;
import static io.vireo.control.testing.Manifests.resource;
import static io.vireo.control.testing.Manifests.vdisk;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.control.testing.FakeWorld;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.ServerProfileSpec;
import io.vireo.resource.spec.VhbaSpec;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** vHBAs as parts of server profiles. */
final class ProfileVhbasTest {
    private static final Reference DB1 = new Reference("ServerProfile", "db1");
    private static final Reference HBA = new Reference("Vhba", "db1.hba0");
    private static final Reference TARGET = new Reference("IscsiTarget", "db1");

    @TempDir Path directory;
    private FakeWorld world = new FakeWorld();
    private ControlPlane control;

    @BeforeEach
    void open() {
        control = start("store.db");
    }

    private ControlPlane start(String store) {
        return ControlPlane.open(
                ControlConfig.at(directory.resolve(store)), world.kinds(), new Services());
    }

    @AfterEach
    void close() {
        world.releaseCloses();
        control.close();
    }

    private static JsonNode profile(String name, String vhbas) {
        return resource("ServerProfile", name, "{'vhbas':[" + vhbas + "]}");
    }

    private static String hba(String name, String fields, String... vdisks) {
        var luns = new StringBuilder();
        for (int i = 0; i < vdisks.length; i++) {
            luns.append(i == 0 ? "" : ",")
                    .append(
                            "{'lun':"
                                    + i
                                    + ",'vdisk':'"
                                    + vdisks[i]
                                    + "','boot':"
                                    + (i == 0)
                                    + "}");
        }
        return "{'name':'" + name + "','luns':[" + luns + "]" + fields + "}";
    }

    private static JsonNode target(String vhba) {
        return resource(
                "IscsiTarget",
                "db1",
                "{'vhba':'" + vhba + "','portals':['san'],'initiators':['*']}");
    }

    private void applyAll() {
        apply(
                control,
                pool("ssd"),
                vdisk("root", "ssd"),
                vdisk("data", "ssd"),
                resource("IscsiPortal", "san", "{'address':'127.0.0.1'}"),
                profile("db1", hba("hba0", "", "root", "data")),
                target("db1.hba0"));
        awaitReady(control);
    }

    private VhbaSpec adapter() {
        return (VhbaSpec) control.get(HBA).resource().spec();
    }

    @Test
    void anAdapterOfAProfileIsAVhbaOfItsOwn() {
        applyAll();
        View view = control.get(HBA);
        assertThat(view.resource().metadata().owner()).contains(DB1);
        assertThat(adapter().luns())
                .containsExactly(
                        new VhbaSpec.Lun(0, "root", false, true, false),
                        new VhbaSpec.Lun(1, "data", false, false, false));
        assertThat(adapter().iqn().orElseThrow())
                .startsWith("iqn.2026-11.internal.vireo:db1.hba0-");
        List<String> journal = world.journal();
        assertThat(journal.indexOf("realize Vhba/db1.hba0"))
                .isGreaterThan(journal.indexOf("realize Vdisk/data"))
                .isLessThan(journal.indexOf("realize IscsiTarget/db1"));
        for (JsonNode written :
                List.of(resource("Vhba", "db1.hba0", "{'luns':[]}"), target("db1.hba1"))) {
            assertThatThrownBy(() -> apply(control, written)).isInstanceOf(ResourceException.class);
        }
        assertThatThrownBy(() -> apply(control, resource("Vhba", "db1.hba0", "{'luns':[]}")))
                .hasMessageContaining("change ServerProfile/db1");
        assertThatThrownBy(() -> control.delete(List.of(HBA)))
                .hasMessageContaining("change ServerProfile/db1");
    }

    @Test
    void identitiesGoWhereTheProfileGoes() {
        applyAll();
        VhbaSpec before = adapter();
        apply(control, profile("db1", hba("hba0", ",'queues':2", "root")));
        assertThat(adapter().withNames(before.wwpn(), before.wwnn(), before.iqn()))
                .isEqualTo(adapter());

        // What is read here is applied there, as an operator moves a server.
        JsonNode written = json(control.codec().encode(control.get(DB1).resource()));
        control.close();
        world = new FakeWorld();
        control = start("elsewhere.db");
        apply(
                control,
                pool("ssd"),
                vdisk("root", "ssd"),
                ((ObjectNode) resource("ServerProfile", "db1", "{}"))
                        .set("spec", written.path("spec")));
        awaitReady(control);
        assertThat(adapter().withNames(before.wwpn(), before.wwnn(), before.iqn()))
                .isEqualTo(adapter());
    }

    @Test
    void adaptersOfOneServerMayHaveOneNodeName() {
        String node = ",'wwnn':'2000000000000001'";
        apply(control, profile("db1", hba("hba0", node) + "," + hba("hba1", node)));
        var spec = (ServerProfileSpec) control.get(DB1).resource().spec();
        assertThat(spec.vhbas().get(0).wwnn()).isEqualTo(spec.vhbas().get(1).wwnn());
        assertThat(spec.vhbas().get(0).wwpn()).isNotEqualTo(spec.vhbas().get(1).wwpn());
        assertThatThrownBy(() -> apply(control, profile("db2", hba("hba0", node))))
                .hasMessageContaining("belongs to db1");
        assertThatThrownBy(() ->
                        apply(
                                control,
                                profile(
                                        "db3",
                                        hba("a", ",'wwpn':'2100000000000001'")
                                                + ","
                                                + hba("b", ",'wwpn':'2100000000000001'"))))
                .hasMessageContaining("of db3.b belongs to db3.a");
    }

    @Test
    void whatATargetShowsStaysUntilTheTargetIsGone() {
        applyAll();
        assertThatThrownBy(() -> control.delete(List.of(DB1)))
                .isInstanceOfSatisfying(
                        ResourceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.IN_USE))
                .hasMessageContaining("IscsiTarget/db1");
        assertThatThrownBy(() -> apply(control, profile("db1", "")))
                .hasMessageContaining("Vhba/db1.hba0 cannot be taken out, as IscsiTarget/db1");
        world.clearJournal();
        control.delete(
                List.of(
                        DB1,
                        TARGET,
                        new Reference("Vdisk", "root"),
                        new Reference("Vdisk", "data"),
                        new Reference("Pool", "ssd")));
        await(
                () -> control.list("ServerProfile").isEmpty() && control.list("Pool").isEmpty(),
                () -> "there: " + control.all());
        List<String> journal = world.journal();
        assertThat(journal.indexOf("close IscsiTarget/db1"))
                .isNotNegative()
                .isLessThan(journal.indexOf("close Vhba/db1.hba0"));
        assertThat(journal.indexOf("close Vhba/db1.hba0"))
                .isLessThan(journal.indexOf("close Vdisk/root"));
        apply(control, resource("Vhba", "other", "{'luns':[]}"));
    }

    @Test
    void aDiskIsAttachedOrMapped() {
        apply(control, pool("ssd"), vdisk("root", "ssd"));
        JsonNode both =
                resource(
                        "ServerProfile",
                        "db1",
                        "{'vdisks':[{'name':'disk0','vdisk':'root'}],'vhbas':["
                                + hba("hba0", ",'bootOrder':2", "root")
                                + "]}");
        assertThatThrownBy(() -> apply(control, both))
                .hasMessageContaining("root of db1.disk0 is a logical unit of the vHBA db1.hba0");
    }

    @Test
    void mistakesAreNamedWhereTheyAre() {
        apply(control, pool("ssd"), vdisk("root", "ssd"), vdisk("data", "ssd"));
        String twice = hba("hba0", "", "root") + "," + hba("hba0", "", "data");
        assertThatThrownBy(() -> apply(control, profile("db1", twice)))
                .isInstanceOfSatisfying(
                        ResourceException.class,
                        e ->
                                assertThat(e.violations())
                                        .extracting(violation -> violation.pointer())
                                        .containsExactly(
                                                "/spec/vhbas/1/name", "/spec/vhbas/1/bootOrder"));
        assertThatThrownBy(() -> apply(control, profile("db1", hba("hba0", ",'bootOrder':1"))))
                .hasMessageContaining("/spec/vhbas/0/bootOrder: is for a boot LUN");
    }

    @Test
    void cardsDisksAndAdaptersHaveOneBootOrder() {
        apply(control, pool("ssd"), vdisk("root", "ssd"), vdisk("data", "ssd"), network("lan"));
        String cards =
                "{'vnics':[{'name':'eth0','network':'lan','bootOrder':%d},"
                        + "{'name':'eth1','network':'lan','bootOrder':%d},"
                        + "{'name':'data0','network':'lan','presentation':'tap'%s}],"
                        + "'vdisks':[{'name':'disk0','vdisk':'data','bootOrder':%d}],"
                        + "'vhbas':["
                        + hba("hba0", "", "root")
                        + "]}";
        assertThatThrownBy(() ->
                        apply(
                                control,
                                resource(
                                        "ServerProfile",
                                        "db1",
                                        cards.formatted(2, 2, ",'bootOrder':7", 2))))
                .isInstanceOfSatisfying(
                        ResourceException.class,
                        e ->
                                assertThat(e.violations())
                                        .extracting(violation -> violation.pointer())
                                        .containsExactlyInAnyOrder(
                                                "/spec/vnics/1/bootOrder",
                                                "/spec/vnics/2/bootOrder",
                                                "/spec/vdisks/0/bootOrder"));
        assertThatThrownBy(() ->
                        apply(
                                control,
                                resource("ServerProfile", "db1", cards.formatted(1, 2, "", 3))))
                .hasMessageContaining(
                        "/spec/vhbas/0/bootOrder: 1 is the place of another device already");
        apply(control, resource("ServerProfile", "db1", cards.formatted(2, 3, "", 4)));
    }
}
