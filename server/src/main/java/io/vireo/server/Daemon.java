package io.vireo.server;

import io.vireo.adapter.image.ImageFiles;
import io.vireo.api.ApiServer;
import io.vireo.block.DiskImages;
import io.vireo.control.ControlConfig;
import io.vireo.control.ControlPlane;
import io.vireo.control.Services;
import io.vireo.control.store.SqliteLibrary;
import io.vireo.control.store.StoredState;
import io.vireo.device.scsi.ScsiUnits;
import io.vireo.linux.Rlimit;
import io.vireo.net.HostIdentity;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.DurableState;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.Secrets;
import io.vireo.transport.Monitor;
import io.vireo.transport.VirtioTransport;
import io.vireo.transport.iscsi.IscsiTransport;
import io.vireo.transport.qmp.QmpMonitor;
import io.vireo.transport.vhostuser.VhostUserTransport;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.CountDownLatch;

/** The running daemon: reactors, transports, control plane and API joined together. */
final class Daemon implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Daemon.class.getName());

    /** What is to be closed, last opened first. */
    private final Deque<Runnable> closers = new ArrayDeque<>();

    private final CountDownLatch shutdown = new CountDownLatch(1);
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile boolean clean;

    /** Whether all was started; else whoever wanted that is told why not, and nothing else. */
    private boolean started;

    private Daemon() {}

    /**
     * Starts everything. When it returns the API answers; resources come up by and by.
     *
     * @throws IOException if a directory or a limit of the host cannot be had
     */
    static Daemon start(ServerConfig config) throws IOException {
        var daemon = new Daemon();
        try {
            daemon.open(config);
            daemon.started = true;
            return daemon;
        } catch (IOException | RuntimeException e) {
            daemon.close();
            throw e;
        }
    }

    private void open(ServerConfig config) throws IOException {
        Rlimit.raise(Rlimit.RLIMIT_NOFILE);
        // Before anything else, so that a second daemon disturbs nothing of the first.
        Path runtime = hold(config.runtimeDir, "runtime");
        Path state = hold(config.stateDir, "state");
        SqliteLibrary.unpackInto(state);

        var reactors = ReactorGroup.start(config.cpus(), config.pollMode);
        closers.push(reactors::close);
        var control =
                ControlPlane.open(
                        ControlConfig.at(state.resolve("vireo.db"), config.identities()),
                        kinds(),
                        services(config, runtime, state, reactors));
        closers.push(control::close);
        var api = ApiServer.start(config.api(runtime), control, List.of(new HostMetrics(reactors)));
        closers.push(api::close);
        LOG.log(
                Level.INFO,
                "Vireo "
                        + Version.get()
                        + " is ready; API at "
                        + runtime.resolve("api.sock")
                        + (api.port().isPresent()
                                ? " and http://127.0.0.1:" + api.port().getAsInt()
                                : ""));
    }

    /** What kinds ask the host for. */
    private Services services(ServerConfig config, Path runtime, Path state, ReactorGroup reactors)
            throws IOException {
        Path images =
                HeldDirectory.make(
                        config.imageDir.toString().isEmpty()
                                ? state.resolve("images")
                                : config.imageDir,
                        "image");
        var sockets =
                new VhostUserTransport.Configuration(
                        VhostUserTransport.Configuration.defaults().mode(),
                        config.socketUid(),
                        config.socketGid(),
                        VhostUserTransport.Configuration.defaults().patience(),
                        config.ringReset);
        var dataState = StoredState.open(state.resolve("state.db"));
        closers.push(dataState::close);
        var iscsi = new IscsiTransport(reactors);
        closers.push(iscsi::close);
        Path secrets =
                config.secretDir.toString().isEmpty()
                        ? state.resolve("secrets")
                        : config.secretDir.toAbsolutePath();
        return new Services()
                .add(ReactorGroup.class, reactors)
                .add(RuntimeDirectory.class, new RuntimeDirectory(runtime))
                .add(HostIdentity.class, ThisHost.identity())
                .add(VirtioTransport.class, new VhostUserTransport(reactors, sockets))
                .add(ScsiUnits.class, new ScsiUnits(reactors, dataState))
                .add(IscsiTransport.class, iscsi)
                .add(DurableState.class, dataState)
                .add(Secrets.class, new SecretFiles(secrets))
                .add(DiskImages.class, new ImageFiles(images))
                .add(Monitor.class, new QmpMonitor(reactors.control()));
    }

    private Path hold(Path directory, String use) throws IOException {
        var held = HeldDirectory.take(directory, use);
        closers.push(held::close);
        return held.path();
    }

    private static List<ResourceKind<?>> kinds() {
        var kinds = new ArrayList<ResourceKind<?>>();
        ServiceLoader.load(ResourceKind.class).forEach(kinds::add);
        return kinds;
    }

    /**
     * Waits for SIGTERM or SIGINT; the process ends after {@link #close}, with status 0 if all was
     * closed as it should be: it did what it was told to.
     */
    void awaitShutdown() throws InterruptedException {
        Runtime.getRuntime()
                .addShutdownHook(
                        Thread.ofPlatform()
                                .name("shutdown")
                                .unstarted(() -> {
                                    shutdown.countDown();
                                    awaitClosed();
                                    if (clean) {
                                        // Else Java's status would be that of a signal.
                                        Runtime.getRuntime().halt(0);
                                    }
                                }));
        shutdown.await();
        LOG.log(Level.INFO, "stopping: requests in flight are finished first");
    }

    private void awaitClosed() {
        try {
            closed.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        try {
            while (!closers.isEmpty()) {
                closers.pop().run();
            }
            clean = true;
            if (started) {
                LOG.log(Level.INFO, "stopped");
            }
        } finally {
            closed.countDown();
        }
    }
}
