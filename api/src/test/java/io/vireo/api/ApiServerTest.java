package io.vireo.api;

import static io.vireo.control.testing.Manifests.awaitReady;
import static io.vireo.control.testing.Manifests.json;
import static io.vireo.control.testing.Manifests.network;
import static io.vireo.control.testing.Manifests.pool;
import static io.vireo.control.testing.Manifests.profile;
import static io.vireo.control.testing.Manifests.resource;
import static io.vireo.control.testing.Manifests.vdisk;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.control.ControlConfig;
import io.vireo.control.ControlPlane;
import io.vireo.control.Services;
import io.vireo.control.testing.FakeWorld;
import io.vireo.control.testing.Manifests;
import io.vireo.resource.Metric;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The interface over real sockets. */
final class ApiServerTest {
    private static final String HOST = "Host: localhost\r\n";

    @TempDir Path directory;
    private final FakeWorld world = new FakeWorld();
    private ControlPlane control;
    private ApiServer server;
    private RawHttp unix;
    private RawHttp tcp;
    private String token;

    @BeforeEach
    void start() throws IOException {
        control =
                ControlPlane.open(
                        ControlConfig.at(directory.resolve("store.db")),
                        world.kinds(),
                        new Services());
        server =
                ApiServer.start(
                        config(),
                        control,
                        List.of(() -> List.of(Metric.gauge("vireo_reactors", "Reactors.", 2))));
        unix = RawHttp.unix(config().socket());
        tcp = RawHttp.tcp(server.port().orElseThrow());
        token = Files.readString(config().tokenFile()).strip();
    }

    private ApiConfig config() {
        return new ApiConfig(
                directory, Optional.empty(), Optional.empty(), OptionalInt.of(0), "test");
    }

    @AfterEach
    void stop() {
        server.close();
        control.close();
    }

    @Test
    void aPathSaysWhichMethodsItHas() throws IOException {
        assertThat(unix.request("POST", "/v1/networks", HOST, ""))
                .startsWith("HTTP/1.1 405 ")
                .containsIgnoringCase("\r\nAllow: GET, HEAD\r\n")
                .contains("\"code\":\"METHOD_NOT_ALLOWED\"", "possible are GET, HEAD");
        assertThat(unix.request("HEAD", "/v1/apply", HOST, ""))
                .startsWith("HTTP/1.1 405 ")
                .containsIgnoringCase("\r\nAllow: POST\r\n");
        assertThat(unix.request("POST", "/nothing", HOST, "")).startsWith("HTTP/1.1 404 ");
    }

    /** RFC 9110, 9.3.2: the fields of what GET answers, and no content. */
    @Test
    void headIsGetWithoutContent() throws IOException {
        put("/v1/networks/lan", network("lan"));
        for (var path : List.of("/v1", "/v1/networks", "/metrics", "/healthz", "/openapi.json")) {
            assertThat(head(path)).as(path).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\n");
        }
        assertThat(head("/v1")).isEqualTo(withoutDate(fields(get("/v1"))));
        assertThat(head("/v1/networks/absent"))
                .isEqualTo(withoutDate(fields(get("/v1/networks/absent"))))
                .startsWith("HTTP/1.1 404 ");
        assertThat(tcp.request("HEAD", "/v1/networks", "Host: localhost:" + port() + "\r\n", ""))
                .startsWith("HTTP/1.1 401 ")
                .endsWith("\r\n\r\n");
    }

    /** GET would go on until the client goes. */
    @Test
    void headOfAStreamEndsAtOnce() throws IOException {
        assertThat(head("/v1/events"))
                .startsWith("HTTP/1.1 200 ")
                .contains("Content-Type: text/event-stream\r\n")
                .endsWith("\r\n\r\n");
        assertThat(head("/v1/events?kind=Netwrok")).startsWith("HTTP/1.1 404 ");
    }

    private String head(String path) throws IOException {
        return withoutDate(unix.request("HEAD", path, HOST, ""));
    }

    private static String fields(String response) {
        return response.substring(0, response.indexOf("\r\n\r\n") + 4);
    }

    private static String withoutDate(String response) {
        return response.replaceFirst("Date: .*\r\n", "");
    }

    private int port() {
        return server.port().orElseThrow();
    }

    @Test
    void aConditionThatIsNotLookedAtIsRefused() throws IOException {
        put("/v1/networks/lan", network("lan"));
        for (String method : List.of("PUT", "PATCH", "DELETE")) {
            assertThat(unix.request(method, "/v1/networks/lan", HOST + "If-Match: \"7\"\r\n", ""))
                    .startsWith("HTTP/1.1 400 ")
                    .contains("If-Match is not looked at here; give metadata.revision");
        }
        assertThat(get("/v1/networks/lan")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void eventsOfAKindThatIsNotThereAreNotWaitedFor() throws IOException {
        assertThat(get("/v1/events?kind=Netwrok")).contains("no kind 'Netwrok'");
    }

    private String get(String path) throws IOException {
        return unix.request("GET", path, HOST, "");
    }

    private static String status(String response) {
        return response.substring(9, 12);
    }

    private static JsonNode body(String response) {
        return json(response.substring(response.indexOf("\r\n\r\n") + 4).replace("'", "\u2019"));
    }

    private String put(String path, JsonNode node) throws IOException {
        return unix.request("PUT", path, HOST, node.toString());
    }

    @Test
    void createsReadsChangesAndDeletes() throws IOException {
        assertThat(status(put("/v1/networks/lan", network("lan")))).isEqualTo("202");
        awaitReady(control);
        JsonNode read = body(get("/v1/networks/lan"));
        assertThat(read.at("/spec/mtu").asInt()).isEqualTo(1500);
        assertThat(read.at("/status/conditions/0/status").asString()).isEqualTo("True");
        assertThat(status(put("/v1/networks/lan", network("lan")))).isEqualTo("200");

        String patched =
                unix.request(
                        "PATCH",
                        "/v1/networks/lan",
                        HOST + "Content-Type: application/merge-patch+json\r\n",
                        "{\"spec\":{\"mtu\":9000},\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
        assertThat(status(patched)).isEqualTo("202");
        assertThat(body(patched).at("/spec/mtu").asInt()).isEqualTo(9000);
        assertThat(body(patched).at("/metadata/generation").asInt()).isEqualTo(2);
        assertThat(body(get("/v1/networks")).at("/items/0/metadata/labels/a").asString())
                .isEqualTo("b");

        assertThat(status(unix.request("DELETE", "/v1/networks/lan", HOST, ""))).isEqualTo("202");
        Manifests.await(() -> control.list("Network").isEmpty(), () -> "it stays");
        assertThat(status(get("/v1/networks/lan"))).isEqualTo("404");
    }

    private String batch(JsonNode... nodes) {
        return "{\"items\":["
                + String.join(",", List.of(nodes).stream().map(JsonNode::toString).toList())
                + "]}";
    }

    @Test
    void appliesPlansAndDeletesInBatches() throws IOException {
        String all =
                batch(
                        profile("web1", "lan", "root"),
                        vdisk("root", "ssd"),
                        pool("ssd"),
                        network("lan"));
        JsonNode plan = body(unix.request("POST", "/v1/plan", HOST, all));
        assertThat(plan.at("/actions").size()).isEqualTo(6);
        assertThat(control.all()).isEmpty();

        JsonNode applied = body(unix.request("POST", "/v1/apply", HOST, all));
        assertThat(applied.at("/items/0/outcome").asString()).isEqualTo("CREATED");
        awaitReady(control);
        assertThat(status(get("/readyz"))).isEqualTo("200");
        JsonNode nic = body(get("/v1/vnics/web1.eth0"));
        assertThat(nic.at("/status/attributes/socket").asString())
                .isEqualTo("/run/vireo/web1/eth0.sock");
        assertThat(nic.at("/metadata/owner/name").asString()).isEqualTo("web1");

        String refused = unix.request("DELETE", "/v1/vdisks/root", HOST, "");
        assertThat(status(refused)).isEqualTo("409");
        assertThat(body(refused).at("/code").asString()).isEqualTo("IN_USE");
        assertThat(body(refused).at("/context/users").asString()).isEqualTo("ServerProfile/web1");

        String gone =
                "{\"items\":[{\"kind\":\"Vdisk\",\"name\":\"root\"},{\"kind\":\"ServerProfile\",\"name\":\"web1\"}]}";
        assertThat(status(unix.request("POST", "/v1/delete", HOST, gone))).isEqualTo("200");
        Manifests.await(() -> control.list("Vdisk").isEmpty(), () -> "it stays");
    }

    @Test
    void tellsWhatIsWrongAndWhere() throws IOException {
        String refused = put("/v1/networks/lan", resource("Network", "lan", "{'mtu':1,'mtuu':2}"));

        assertThat(status(refused)).isEqualTo("400");
        assertThat(refused).contains("application/problem+json");
        assertThat(body(refused).at("/violations/0/pointer").asString()).isEqualTo("/spec/mtuu");
        assertThat(body(refused).at("/violations/1/pointer").asString()).isEqualTo("/spec/mtu");
        assertThat(status(put("/v1/networks/wan", network("lan")))).isEqualTo("400");
        assertThat(status(put("/v1/vnics/web1.eth0", resource("Vnic", "web1.eth0", "{}"))))
                .isEqualTo("405");
    }

    @Test
    void refusesHostileBodies() throws IOException {
        String deep = "{\"a\":".repeat(10_000) + "1" + "}".repeat(10_000);
        assertThat(status(unix.request("PUT", "/v1/networks/lan", HOST, deep))).isEqualTo("400");
        assertThat(status(unix.request("PUT", "/v1/networks/lan", HOST, "{\"a\":1,\"a\":2}")))
                .isEqualTo("400");
        assertThat(status(unix.request("PUT", "/v1/networks/lan", HOST, "{} {}"))).isEqualTo("400");
        assertThat(status(unix.request("PUT", "/v1/networks/lan", HOST, "not json")))
                .isEqualTo("400");
        assertThat(
                        status(
                                unix.request(
                                        "PUT",
                                        "/v1/networks/lan",
                                        HOST + "Content-Type: text/plain\r\n",
                                        "{}")))
                .isEqualTo("400");
        String tooLong = HOST + "Content-Type: application/json\r\nContent-Length: 99999999\r\n";
        assertThat(status(unix.request("PUT", "/v1/networks/lan", tooLong, ""))).isEqualTo("413");
        StringBuilder many = new StringBuilder("{\"items\":[");
        many.append("{},".repeat(1001)).setLength(many.length() - 1);
        assertThat(status(unix.request("POST", "/v1/apply", HOST, many + "]}"))).isEqualTo("413");
        assertThat(control.all()).isEmpty();
    }

    @Test
    void anEndlessBodyIsCutOff() throws IOException {
        try (SocketChannel channel = unix.open()) {
            RawHttp.send(
                    channel,
                    "PUT /v1/networks/lan HTTP/1.1\r\n"
                            + HOST
                            + "Content-Type: application/json\r\n"
                            + "Transfer-Encoding: chunked\r\n\r\n");
            String chunk = "10000\r\n" + " ".repeat(0x10000) + "\r\n";
            assertThatThrownBy(
                            () -> {
                                for (int i = 0; i < 10_000; i++) {
                                    RawHttp.send(channel, chunk);
                                }
                            })
                    .isInstanceOf(IOException.class);
        }
        assertThat(status(get("/healthz"))).isEqualTo("200");
    }

    @Test
    void refusesPathsThatClimb() throws IOException {
        for (String path :
                List.of(
                        "/v1/networks/..",
                        "/v1/networks/../../etc/passwd",
                        "/v1/networks/%2e%2e",
                        "/v1/networks/..%2f..%2fetc",
                        "/v1/networks/a%00b",
                        "/v1/networks/" + "a".repeat(64),
                        "/v1/networks/A",
                        "/v1/networks/a.b.c",
                        "/v1//lan",
                        "/v1/networks/lan/",
                        "/v1/networks/" + "a".repeat(20_000))) {
            assertThat(status(get(path))).as(path).startsWith("4");
        }
        assertThat(status(unix.exchange("nonsense\r\n\r\n"))).startsWith("4");
        assertThat(status(get("/healthz"))).isEqualTo("200");
    }

    @Test
    void tcpNeedsTheTokenAndAnOwnHost() throws IOException {
        String host = "Host: 127.0.0.1:" + server.port().orElseThrow() + "\r\n";
        String bearer = "Authorization: Bearer " + token + "\r\n";

        assertThat(status(tcp.request("GET", "/v1", host + bearer, ""))).isEqualTo("200");
        assertThat(status(tcp.request("GET", "/v1", host, ""))).isEqualTo("401");
        assertThat(tcp.request("GET", "/v1", host, "")).contains("WWW-Authenticate: Bearer");
        assertThat(status(tcp.request("GET", "/v1", host + "Authorization: Bearer wrong\r\n", "")))
                .isEqualTo("401");
        assertThat(
                        status(
                                tcp.request(
                                        "GET",
                                        "/v1",
                                        host + "Authorization: Basic " + token + "\r\n",
                                        "")))
                .isEqualTo("401");
        assertThat(status(tcp.request("GET", "/v1", "Host: evil.example\r\n" + bearer, "")))
                .isEqualTo("403");
        assertThat(
                        status(
                                tcp.request(
                                        "GET",
                                        "/v1",
                                        host + bearer + "Origin: http://evil.example\r\n",
                                        "")))
                .isEqualTo("403");
        assertThat(status(tcp.request("GET", "/v1", host + bearer + "Origin: null\r\n", "")))
                .isEqualTo("403");
        assertThat(status(tcp.request("GET", "/healthz", host, ""))).isEqualTo("200");
        assertThat(status(tcp.request("GET", "/healthz", "Host: evil.example\r\n", "")))
                .isEqualTo("403");
        assertThat(status(tcp.request("GET", "/metrics", host, ""))).isEqualTo("401");
    }

    @Test
    void filesAreForOwnerAndGroup() throws IOException {
        assertThat(mode(config().socket())).isEqualTo("rw-rw----");
        assertThat(mode(config().tokenFile())).isEqualTo("rw-r-----");
        assertThat(token).hasSize(64);
        server.close();
        assertThat(config().socket()).doesNotExist();
        assertThat(config().tokenFile()).doesNotExist();
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    @Test
    void aSecondDaemonIsRefusedAndALeftoverSocketIsNot() throws IOException {
        assertThatThrownBy(() -> ApiServer.start(config(), control, List.of()))
                .hasMessageContaining("another daemon");
        assertThat(status(get("/healthz"))).isEqualTo("200");
        server.close();
        Files.createFile(config().socket());

        server = ApiServer.start(config(), control, List.of());

        assertThat(status(get("/healthz"))).isEqualTo("200");
    }

    @Test
    void metricsAreGroupedByName() throws IOException {
        unix.request("POST", "/v1/apply", HOST, batch(network("lan"), network("wan")));
        awaitReady(control);

        String page = get("/metrics");

        assertThat(page)
                .contains("Content-Type: text/plain; version=0.0.4")
                .contains(
                        "# TYPE vireo_network_uses_total counter\n"
                                + "vireo_network_uses_total{name=\"lan\"} 42\n"
                                + "vireo_network_uses_total{name=\"wan\"} 42\n")
                .contains("vireo_resource_ready{kind=\"Network\",name=\"lan\"} 1\n")
                .contains("vireo_reactors 2\n");
    }

    @Test
    void streamsEventsAndGoesOnAfterTheLastSeen() throws IOException {
        try (SocketChannel channel = unix.open()) {
            RawHttp.send(channel, "GET /v1/events?replay=true HTTP/1.1\r\n" + HOST + "\r\n");
            BufferedReader lines = reader(channel);
            put("/v1/networks/lan", network("lan"));
            String id = awaitLine(lines, "id: ").substring(4);
            assertThat(awaitLine(lines, "event: ")).isEqualTo("event: ADDED");

            try (SocketChannel again = unix.open()) {
                RawHttp.send(
                        again,
                        "GET /v1/events HTTP/1.1\r\n" + HOST + "Last-Event-ID: " + id + "\r\n\r\n");
                assertThat(awaitLine(reader(again), "event: ")).isEqualTo("event: STATUS");
            }
            try (SocketChannel stranger = unix.open()) {
                RawHttp.send(
                        stranger,
                        "GET /v1/events HTTP/1.1\r\n" + HOST + "Last-Event-ID: other-1\r\n\r\n");
                assertThat(awaitLine(reader(stranger), "event: ")).isEqualTo("event: RESET");
            }
        }
    }

    private static BufferedReader reader(SocketChannel channel) {
        return new BufferedReader(
                new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
    }

    private static String awaitLine(BufferedReader lines, String start) throws IOException {
        String line = lines.readLine();
        while (line != null && !line.startsWith(start)) {
            line = lines.readLine();
        }
        if (line == null) {
            throw new AssertionError("the stream ended before " + start);
        }
        return line;
    }

    @Test
    void describesItself() throws IOException {
        JsonNode discovery = body(get("/v1"));
        assertThat(discovery.at("/version").asString()).isEqualTo("test");
        assertThat(discovery.at("/items").values())
                .extracting(kind -> kind.path("plural").asString())
                .contains("networks", "profiles");
        assertThat(body(get("/openapi.json")).at("/openapi").asString()).isEqualTo("3.1.0");
        JsonNode table = body(get("/v1/networks?view=table"));
        assertThat(table.at("/columns/0/name").asString()).isEqualTo("SPEC");
    }

    @Test
    void aStreamOfAResourceIsReadWithTheSameRightsAsTheRest() throws IOException {
        Manifests.apply(
                control,
                network("lan"),
                pool("ssd"),
                vdisk("root", "ssd"),
                profile("web1", "lan", "root"));
        awaitReady(control);
        String path = "/v1/vnics/web1.eth0/capture";
        String answer = get(path + "?filter=port%2080");
        assertThat(status(answer)).isEqualTo("200");
        assertThat(answer).contains("application/x-pcapng").contains("port 80");
        assertThat(status(get("/v1/vnics/web1.eth9/capture"))).isEqualTo("404");
        assertThat(status(get("/v1/networks/lan/capture"))).isEqualTo("404");
        String unknown = get(path + "?snap=1");
        assertThat(status(unknown)).isEqualTo("400");
        assertThat(unknown).contains("snap").contains("filter, count");
        String host = "Host: 127.0.0.1:" + server.port().orElseThrow() + "\r\n";
        assertThat(status(tcp.request("GET", path, host, ""))).isEqualTo("401");
    }
}
