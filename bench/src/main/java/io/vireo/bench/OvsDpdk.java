package io.vireo.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Open vSwitch with its DPDK datapath: one bridge, vhost-user ports that it listens for, one
 * polling thread on one core. Its database, sockets and logs are in a directory of its own, so that
 * an Open vSwitch of the host is left alone.
 */
final class OvsDpdk implements AutoCloseable {
    private static final Path SCHEMA = Path.of("/usr/share/openvswitch/vswitch.ovsschema");
    private static final Path SWITCH =
            Path.of("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk");
    private static final Pattern DPDK_READY = Pattern.compile("DPDK Enabled - initialized");
    private static final double PATIENCE_SECONDS = 60;
    private static final String BRIDGE = "bench";

    private final Path directory;
    private final Map<String, String> environment;
    private final MeasuredProcess database;
    private final MeasuredProcess daemon;
    private final List<Path> sockets = new ArrayList<>();

    private OvsDpdk(Path directory, int core) {
        this.directory = directory;
        environment =
                Map.of(
                        "OVS_RUNDIR", directory.toString(),
                        "OVS_LOGDIR", directory.toString(),
                        "OVS_DBDIR", directory.toString());
        var file = directory.resolve("conf.db").toString();
        run("ovsdb-tool", "create", file, SCHEMA.toString());
        database =
                new MeasuredProcess(
                        "ovsdb-server",
                        List.of("ovsdb-server", "--remote=punix:" + databaseSocket(), file),
                        environment);
        try {
            VireoDaemon.awaitSocket(databaseSocket(), database);
            configure(core);
            daemon =
                    new MeasuredProcess(
                            "ovs-vswitchd",
                            List.of(SWITCH.toString(), "unix:" + databaseSocket()),
                            environment);
        } catch (BenchException e) {
            database.close();
            throw e;
        }
    }

    /** Starts the switch with {@code ports} ports, its polling thread on {@code core}. */
    static OvsDpdk start(Path directory, int core, int ports) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new BenchException("Cannot make " + directory + ".", e);
        }
        var ovs = new OvsDpdk(directory, core);
        try {
            ovs.daemon.await(DPDK_READY, PATIENCE_SECONDS);
            ovs.plug(ports);
        } catch (BenchException e) {
            ovs.close();
            throw e;
        }
        return ovs;
    }

    private Path databaseSocket() {
        return directory.resolve("db.sock");
    }

    private void configure(int core) {
        configure("--no-wait", "init");
        configure(
                "--no-wait",
                "set",
                "Open_vSwitch",
                ".",
                "other_config:dpdk-init=true",
                "other_config:dpdk-socket-mem=256",
                "other_config:pmd-cpu-mask=" + Integer.toHexString(1 << core),
                "other_config:dpdk-extra=\"--in-memory --single-file-segments --no-pci\"");
    }

    private void plug(int ports) {
        configure("add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev");
        for (var i = 0; i < ports; i++) {
            var port = "port" + i;
            configure(
                    "add-port",
                    BRIDGE,
                    port,
                    "--",
                    "set",
                    "Interface",
                    port,
                    "type=dpdkvhostuser",
                    "ofport_request=" + (i + 1));
            sockets.add(directory.resolve(port));
            VireoDaemon.awaitSocket(directory.resolve(port), daemon);
        }
        daemon.favour();
    }

    private void configure(String... arguments) {
        var command = new ArrayList<>(List.of("ovs-vsctl", "--timeout=30"));
        command.add("--db=unix:" + databaseSocket());
        command.addAll(List.of(arguments));
        run(command.toArray(String[]::new));
    }

    /** Two rules that forward each of the first two ports to the other, whatever the frame. */
    void forwardByFixedRules() {
        flows("in_port=1,actions=output:2", "in_port=2,actions=output:1");
    }

    /** The rule that makes it a learning switch. */
    void forwardAsLearningSwitch() {
        flows("actions=NORMAL");
    }

    private void flows(String... flows) {
        var management = "unix:" + directory.resolve(BRIDGE + ".mgmt");
        run("ovs-ofctl", "del-flows", management);
        for (var flow : flows) {
            run("ovs-ofctl", "add-flow", management, flow);
        }
    }

    private void run(String... command) {
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        builder.redirectOutput(directory.resolve("commands.log").toFile());
        try {
            var process = builder.start();
            if (!process.waitFor((long) PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new BenchException(String.join(" ", command) + " does not end.");
            }
            if (process.exitValue() != 0) {
                throw new BenchException(
                        String.join(" ", command)
                                + " failed: "
                                + Files.readString(directory.resolve("commands.log")));
            }
        } catch (IOException e) {
            throw new BenchException("Cannot run " + command[0] + ".", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("The benchmark was interrupted.", e);
        }
    }

    /** Where the ports appeared. */
    List<Path> sockets() {
        return sockets;
    }

    MeasuredProcess process() {
        return daemon;
    }

    @Override
    public void close() {
        daemon.close();
        database.close();
    }
}
