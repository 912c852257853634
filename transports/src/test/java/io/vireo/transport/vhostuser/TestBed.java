package io.vireo.transport.vhostuser;

import io.vireo.linux.ForeignMemory;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import io.vireo.transport.Endpoint;
import io.vireo.transport.EndpointSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Reactors, a transport and devices in this process. */
final class TestBed implements AutoCloseable {
    static final int BLOCK_DEVICE = 2;

    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1, -1), PollMode.ADAPTIVE);
    private final VhostUserTransport transport;
    private final Path directory;
    private final List<Endpoint> endpoints = new ArrayList<>();

    TestBed() {
        this(Duration.ofSeconds(10));
    }

    TestBed(Duration patience) {
        this(patience, false);
    }

    /** A bed whose front ends convey the reset of one queue. */
    static TestBed withRingReset() {
        return new TestBed(Duration.ofSeconds(10), true);
    }

    private TestBed(Duration patience, boolean ringReset) {
        transport =
                new VhostUserTransport(
                        reactors,
                        new VhostUserTransport.Configuration(0660, -1, -1, patience, ringReset));
        try {
            directory = Files.createTempDirectory("vhost-user");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    EchoDevice device(int queues) {
        return new EchoDevice(BLOCK_DEVICE, queues, reactors);
    }

    EchoDevice networkCard(int queues) {
        return new EchoDevice(1, queues, reactors);
    }

    Path path(String name) {
        return directory.resolve(name);
    }

    Endpoint present(EchoDevice device, String name) {
        return present(device, name, true);
    }

    Endpoint present(EchoDevice device, String name, boolean listen) {
        var endpoint = transport.present(device, new EndpointSpec(name, path(name), listen));
        endpoints.add(endpoint);
        return endpoint;
    }

    static void close(Endpoint endpoint) {
        var closed = new CountDownLatch(1);
        endpoint.close(closed::countDown);
        try {
            if (!closed.await(20, TimeUnit.SECONDS)) {
                throw new AssertionError("the endpoint does not close");
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Sends one request through a ring and checks its answer. */
    static void echo(VhostUserSession session, VhostUserSession.Ring ring, long value) {
        add(session, ring, value);
        VhostUserSession.publish(ring);
        VhostUserSession.awaitUsed(ring);
        check(session, value);
    }

    static void add(VhostUserSession session, VhostUserSession.Ring ring, long value) {
        long from = DriverMemory.GUEST_BASE + session.memory().size() - 64;
        ForeignMemory.putLong(session.memory().host(from), value);
        ForeignMemory.putLong(session.memory().host(from + 32), 0);
        ring.queue().add(new long[] {from, from + 32}, new int[] {8, 8}, 2, 1);
    }

    static void check(VhostUserSession session, long value) {
        long to = DriverMemory.GUEST_BASE + session.memory().size() - 32;
        long seen = ForeignMemory.getLong(session.memory().host(to));
        if (seen != value) {
            throw new AssertionError("echo of " + value + " is " + seen);
        }
    }

    @Override
    public void close() {
        endpoints.forEach(TestBed::close);
        reactors.close();
        try (var files = Files.list(directory)) {
            for (var file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
