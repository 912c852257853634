package io.vireo.api;

import io.vireo.control.ControlPlane;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.MetricSource;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.net.BindException;
import java.nio.file.Files;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.AbstractConnector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.unixdomain.server.UnixDomainServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.VirtualThreadPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The REST interface, listening. */
public final class ApiServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ApiServer.class);
    private static final int MAX_CONNECTIONS = 512;
    private static final int IDLE_MILLIS = 60_000;
    private static final int STOP_MILLIS = 500;
    private static final int LISTEN_BACKLOG = 64;

    private final ApiConfig config;
    private final Server server;
    private final ServerConnector tcp;

    private ApiServer(ApiConfig config, Server server, ServerConnector tcp) {
        this.config = config;
        this.server = server;
        this.tcp = tcp;
    }

    /**
     * Starts listening.
     *
     * @param metricSources what is measured besides resources
     * @throws ResourceException if the socket or the port cannot be had
     */
    public static ApiServer start(
            ApiConfig config, ControlPlane control, List<MetricSource> metricSources) {
        var files = new RuntimeFiles(config);
        files.checkPath();
        try {
            files.removeStaleSocket();
            var guard =
                    new AccessGuard(
                            files.writeToken(), PeerPolicy.of(config.owner(), config.group()));
            String openApi = OpenApi.document(control.kinds());
            List<Route> routes = RouteTable.of(control, metricSources, config.version(), openApi);
            ApiServer started = listen(config, new Router(routes, guard));
            files.secureSocket();
            return started;
        } catch (IOException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "cannot open the interface in "
                            + config.runtimeDirectory()
                            + ": "
                            + e.getMessage(),
                    e);
        }
    }

    private static ApiServer listen(ApiConfig config, Router router) throws IOException {
        // The few platform threads only select and accept; requests run on virtual threads.
        var threads = new QueuedThreadPool(16, 4);
        threads.setName("vireo-api");
        threads.setDaemon(true);
        threads.setVirtualThreadsExecutor(new VirtualThreadPool());
        var server = new Server(threads);
        server.setStopTimeout(STOP_MILLIS);
        server.setHandler(router);
        server.setErrorHandler(Router::malformed);
        var unix = new UnixDomainServerConnector(server, 1, 1, new HttpConnectionFactory(http()));
        unix.setUnixDomainPath(config.socket());
        unix.setAcceptQueueSize(LISTEN_BACKLOG);
        add(server, unix);
        var tcp = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http()));
        if (config.port().isPresent()) {
            tcp.setHost("127.0.0.1");
            tcp.setPort(config.port().getAsInt());
            tcp.setAcceptQueueSize(LISTEN_BACKLOG);
            add(server, tcp);
        }
        var started = new ApiServer(config, server, tcp);
        try {
            server.start();
        } catch (IOException e) {
            started.close();
            if (config.port().isPresent() && e.getCause() instanceof BindException taken) {
                throw new ResourceException(
                        ErrorCode.UNAVAILABLE,
                        "cannot listen at 127.0.0.1:%d (%s): stop what does, or choose another port"
                                .formatted(config.port().getAsInt(), taken.getMessage()));
            }
            throw e;
        } catch (Exception e) {
            started.close();
            throw new IllegalStateException("the HTTP server does not start", e);
        }
        LOG.info("the REST interface listens at {} {}", config.socket(), started.address());
        return started;
    }

    private static void add(Server server, AbstractConnector connector) {
        connector.setIdleTimeout(IDLE_MILLIS);
        server.addConnector(connector);
        connector.addBean(new NetworkConnectionLimit(MAX_CONNECTIONS, connector));
    }

    private static HttpConfiguration http() {
        var http = new HttpConfiguration();
        http.setSendServerVersion(false);
        http.setSendDateHeader(true);
        http.setUriCompliance(UriCompliance.RFC3986);
        http.setRequestHeaderSize(16 * 1024);
        http.setMinRequestDataRate(256);
        return http;
    }

    private String address() {
        return port().isPresent() ? "and http://127.0.0.1:" + port().getAsInt() : "only";
    }

    /** The TCP port, if there is one. */
    public OptionalInt port() {
        return config.port().isPresent() ? OptionalInt.of(tcp.getLocalPort()) : OptionalInt.empty();
    }

    /**
     * Stops listening, lets requests under way finish for half a second, and removes socket and
     * token.
     */
    @Override
    public void close() {
        try {
            server.stop();
        } catch (TimeoutException _) {
            LOG.debug("streams were open when the REST interface stopped");
        } catch (Exception e) {
            LOG.warn("the REST interface did not stop cleanly", e);
        }
        try {
            Files.deleteIfExists(config.socket());
            Files.deleteIfExists(config.tokenFile());
        } catch (IOException e) {
            LOG.warn("the files of the REST interface stay behind: {}", e.getMessage());
        }
    }
}
