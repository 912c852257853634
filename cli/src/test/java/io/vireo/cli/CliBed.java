package io.vireo.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.api.ApiConfig;
import io.vireo.api.ApiServer;
import io.vireo.control.ControlConfig;
import io.vireo.control.ControlPlane;
import io.vireo.control.Services;
import io.vireo.control.testing.FakeWorld;
import io.vireo.resource.Reference;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * An interface over its Unix socket, with a control plane of its own, and the command against it.
 */
abstract class CliBed {
    /** Resources of {@link #applyAll}: a server with a card and a disk, and what they need. */
    static final String ALL =
            """
            apiVersion: vireo/v1
            kind: ServerProfile
            metadata:
              name: web1
              labels: {tier: front}
            spec:
              vnics:
              - {name: eth0, network: lan, bootOrder: 2}
              vdisks:
              - {name: disk0, vdisk: root, bootOrder: 1}
            ---
            apiVersion: vireo/v1
            kind: Network
            metadata: {name: lan}
            ---
            apiVersion: vireo/v1
            kind: Pool
            metadata: {name: ssd}
            spec: {path: /srv/ssd}
            ---
            apiVersion: vireo/v1
            kind: Vdisk
            metadata: {name: root}
            spec: {pool: ssd, size: 10Gi}
            """;

    @TempDir Path directory;
    final FakeWorld world = new FakeWorld();
    ControlPlane control;
    ApiServer server;

    /** What the last command printed. */
    String out = "";

    /** What it said was wrong. */
    String err = "";

    @BeforeEach
    void start() {
        control =
                ControlPlane.open(
                        ControlConfig.at(directory.resolve("store.db")),
                        world.kinds(),
                        new Services());
        var config =
                new ApiConfig(
                        directory, Optional.empty(), Optional.empty(), OptionalInt.of(0), "test");
        server = ApiServer.start(config, control, List.of());
    }

    @AfterEach
    void stop() {
        server.close();
        control.close();
    }

    /** Runs a command as it is, and returns its exit code. */
    int bare(String... arguments) {
        var written = new StringWriter();
        var failed = new StringWriter();
        int code = VireoCli.run(new PrintWriter(written), new PrintWriter(failed), arguments);
        out = written.toString();
        err = failed.toString();
        return code;
    }

    /** Runs a command against this interface, and returns its exit code. */
    int vireo(String... arguments) {
        String[] all = Arrays.copyOf(arguments, arguments.length + 2);
        all[arguments.length] = "--socket";
        all[arguments.length + 1] = directory.resolve("api.sock").toString();
        return bare(all);
    }

    /** Writes a file. */
    String file(String name, String text) {
        try {
            return Files.writeString(directory.resolve(name), text).toString();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    void applyAll() {
        assertThat(vireo("apply", "-f", file("all.yaml", ALL), "--wait")).as(err).isZero();
    }

    /** A resource says of itself what it is busy with. */
    void job(String kind, String name, Map<String, String> attributes) {
        world.running(new Reference(kind, name)).say(attributes);
    }
}
