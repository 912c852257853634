package io.vireo.control.codec;

import static io.vireo.control.testing.Manifests.json;
import static io.vireo.control.testing.Manifests.resource;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.control.KindRegistry;
import io.vireo.control.Resource;
import io.vireo.control.testing.FakeWorld;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.Violation;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.NetworkSpec;
import io.vireo.resource.spec.ServerProfileSpec;
import io.vireo.resource.spec.SocketMode;
import io.vireo.resource.spec.VdiskSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

final class ResourceCodecTest {
    private final ResourceCodec codec =
            new ResourceCodec(new KindRegistry(new FakeWorld().kinds()));

    private Manifest bind(JsonNode node) {
        var binder = new SpecBinder();
        return codec.manifest(node, "", binder)
                .orElseThrow(() -> new AssertionError(binder.violations().toString()));
    }

    private List<String> pointers(JsonNode node) {
        return violations(node).stream().map(Violation::pointer).toList();
    }

    private List<Violation> violations(JsonNode node) {
        var binder = new SpecBinder();
        assertThat(codec.manifest(node, "", binder)).isEmpty();
        return binder.violations();
    }

    @Test
    void aNameThatYamlTakesForANumberIsToBeQuoted() {
        JsonNode node = json("{'apiVersion':'vireo/v1','kind':'Network','metadata':{'name':123}}");
        assertThat(violations(node))
                .containsExactly(
                        new Violation(
                                "/metadata/name", "must be a string: write it in quotes, \"123\""));
    }

    @Test
    void fillsInDefaults() {
        var network = (NetworkSpec) bind(resource("Network", "lan", "{}")).spec();
        var disk = (VdiskSpec) bind(resource("Vdisk", "d", "{'pool':'p','size':'10Gi'}")).spec();

        assertThat(network.mtu()).isEqualTo(1500);
        assertThat(network.uplink()).isEmpty();
        assertThat(disk.size()).isEqualTo(new Quantity(10L << 30));
        assertThat(disk.blockSize()).isEqualTo(512);
        assertThat(
                        ((VdiskSpec)
                                        bind(resource("Vdisk", "d", "{'pool':'p','size':4096}"))
                                                .spec())
                                .size()
                                .bytes())
                .isEqualTo(4096);
    }

    @Test
    void saysWhatBelongsThere() {
        assertThat(violations(resource("Pool", "p", "{'path':'pools/p'}")))
                .containsExactly(
                        new Violation(
                                "/spec/path",
                                "'pools/p' is not what belongs here; write an absolute path, like"
                                        + " /srv/vireo/main"));
        assertThat(message("Vdisk", "{'pool':'Fast Disks','size':'1Gi'}"))
                .isEqualTo(
                        "'Fast Disks' is not what belongs here; write a name of 1 to 63 lower-case"
                                + " letters, digits and '-', like web-1");
        assertThat(violations(resource("Network", "lan", "{'mtu':'1500'}")))
                .containsExactly(
                        new Violation("/spec/mtu", "must be a whole number, without quotes"));
        assertThat(violations(resource("Network", "lan", "{'mtu':'much'}")))
                .containsExactly(new Violation("/spec/mtu", "must be a whole number"));
    }

    @Test
    void aFieldThatIsMisspelledIsNamed() {
        assertThat(message("Vdisk", "{'pool':'p','size':'1Gi','blocksize':512}"))
                .startsWith("is not a field here; write blockSize; known are pool, size, ");
        assertThat(message("Vdisk", "{'pool':'p','size':'1Gi','cache-mode':'writeback'}"))
                .startsWith("is not a field here; write cacheMode; known are ");
        assertThat(message("Network", "{'allowedVlan':'5'}"))
                .startsWith("is not a field here; write allowedVlans; known are ");
        assertThat(message("Network", "{'vlan':5}"))
                .startsWith("is not a field here; known are mtu, ");
        assertThat(message("Pool", "{'type':'disks','disks':{'members':['/dev/sdz']}}"))
                .isEqualTo("must be an object with fields of path, size, drain, replaced");
    }

    /** YAML takes for numbers what people mean as text, and the other way round. */
    @Test
    void saysHowToWriteAValue() {
        assertThat(message("Vdisk", "{'pool':'p','size':1.3}"))
                .isEqualTo(
                        "'1.3' is not a whole number of bytes; write whole bytes, or a unit behind the number, like 2Gi");
        assertThat(message("Vdisk", "{'pool':'p','size':'1.3Gi'}"))
                .isEqualTo("'1.3Gi' is not a whole number of bytes; write 1332Mi");
        assertThat(message("Vdisk", "{'pool':'p','size':true}"))
                .isEqualTo("must be a size like 10Gi");
        assertThat(message("Vdisk", "{'pool':'p','size':99999999999999999999}"))
                .contains("is not a size; write bytes or a number with Ki");
        assertThat(message("Vdisk", "{'pool':7,'size':'1Gi'}"))
                .isEqualTo("must be a string: write it in quotes, \"7\"");
        assertThat(message("QosPolicy", "{'limit':2.5}"))
                .isEqualTo(
                        "'2.5' is not a whole number of bits per second; write one, or a unit behind the number, like 100M");
        assertThat(message("QosPolicy", "{'limit':[]}")).isEqualTo("must be a rate like 100M");
        assertThat(message("ServerProfile", "{'vnics':[{'name':'a','network':'b','mac':525400}]}"))
                .isEqualTo("must be a MAC address like '52:54:00:12:34:56'");
        assertThat(message("Network", "{'allowedVlans':1.5}"))
                .isEqualTo("must be VLANs like 10-20,30");
    }

    private String message(String kind, String spec) {
        return violations(resource(kind, "x", spec)).getFirst().message();
    }

    @Test
    void saysWhatToDoWithAStoreOfANewerVersion() {
        String known = resource("Network", "lan", "{'mtu':1500,'newer':1}").toString();
        assertThatThrownBy(() -> codec.decode(known, 1))
                .hasMessageStartingWith(
                        "the store holds Network/lan in a form that this version cannot read:"
                                + " /spec/newer is not a field here; known are mtu, ")
                .hasMessageEndingWith(
                        "; start the version that wrote it, or have that delete the resource first");
        String unknown = resource("Teleporter", "t1", "{}").toString();
        assertThatThrownBy(() -> codec.decode(unknown, 1))
                .hasMessage(
                        "the store holds Teleporter/t1 of a kind that this version does not have; start"
                                + " the version that wrote it, or have that delete the resource first");
    }

    @Test
    void collectsAllViolationsWithTheirPlaces() {
        JsonNode bad =
                resource(
                        "ServerProfile",
                        "web1",
                        "{'vnics':[{'name':'eth0','network':'lan','mac':'01:00:5e:00:00:01'},"
                                + "{'name':'UPPER','network':'lan','queuePairs':0,'vlan':4095,'a/b':1}],'vdisks':{},'x':1}");

        assertThat(pointers(bad))
                .containsExactlyInAnyOrder(
                        "/spec/vnics/0/mac",
                        "/spec/vnics/1/name",
                        "/spec/vnics/1/queuePairs",
                        "/spec/vnics/1/vlan",
                        "/spec/vnics/1/a~1b",
                        "/spec/vdisks",
                        "/spec/x");
    }

    @Test
    void guessesNothing() {
        assertThat(pointers(resource("Network", "lan", "{'mtu':'1500'}")))
                .containsExactly("/spec/mtu");
        assertThat(pointers(resource("Network", "lan", "{'mtu':1500.0}")))
                .containsExactly("/spec/mtu");
        assertThat(pointers(resource("Network", "lan", "{'mtu':99999999999999999999}")))
                .containsExactly("/spec/mtu");
        assertThat(pointers(resource("Pool", "p", "{'directIo':'yes'}")))
                .containsExactly("/spec/directIo");
        assertThat(pointers(resource("Pool", "p", "{'type':'DIRECTORY'}")))
                .containsExactly("/spec/type");
        assertThat(pointers(resource("Vdisk", "d", "{'size':'10Gi'}")))
                .containsExactly("/spec/pool");
    }

    @Test
    void checksTheEnvelope() {
        assertThat(pointers(json("{'kind':'Nothing'}")))
                .contains("/apiVersion", "/kind", "/metadata");
        assertThat(pointers(json("[]"))).containsExactly("");
        assertThat(pointers(resource("Network", "../etc", "{}"))).containsExactly("/metadata/name");
        assertThat(pointers(resource("Network", "a".repeat(64), "{}")))
                .containsExactly("/metadata/name");
        assertThat(
                        pointers(
                                json(
                                        "{'apiVersion':'vireo/v1','kind':'Network','metadata':{'name':'a','labels':{'x':1}}}")))
                .containsExactly("/metadata/labels/x");
    }

    @Test
    void readsBackWhatItWrites() {
        Manifest manifest =
                bind(
                        resource(
                                "ServerProfile",
                                "web1",
                                "{'vnics':[{'name':'eth0','network':'lan','mac':'52:54:00:00:00:01','trunk':[5,'7-9'],"
                                        + "'nativeVlan':5,'socketMode':'client','socketPath':'/tmp/x','policy':{'isolation':'community',"
                                        + "'community':'red','antiSpoofing':{'addresses':['10.0.0.0/24','fd00::1'],"
                                        + "'linkLocal':'eui64'},'stormControl':{'broadcast':10}}}],"
                                        + "'vdisks':[{'name':'disk0','vdisk':'d','bootOrder':1,'serial':'S1'}]}"));
        Metadata metadata = Metadata.of("web1", "u-1");
        metadata =
                new Metadata(
                        "web1",
                        Map.of("a", "b"),
                        Map.of(),
                        "u-1",
                        3,
                        7,
                        metadata.createdAt(),
                        metadata.updatedAt(),
                        metadata.deletionRequestedAt(),
                        metadata.owner());
        var resource = new Resource("ServerProfile", metadata, manifest.spec());

        assertThat(codec.decode(codec.encode(resource), 7)).isEqualTo(resource);
        assertThat(bind(codec.write(resource)).spec()).isEqualTo(manifest.spec());
        assertThat(((ServerProfileSpec) manifest.spec()).vnics().getFirst().socketMode())
                .isEqualTo(SocketMode.CLIENT);
        assertThat(((ServerProfileSpec) manifest.spec()).vnics().getFirst().trunk())
                .contains(VlanSet.parse("5,7-9"));
    }
}
