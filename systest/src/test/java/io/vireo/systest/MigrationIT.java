package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.HostShell;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A guest is moved by QEMU from one daemon to another while a TCP connection from outside echoes
 * random data through it: it goes on, and every byte is right. Both daemons reach the outside by a
 * Linux bridge, which has to learn the new way. Meanwhile the guest reads and writes its disk,
 * which keeps nothing: two daemons cannot have one image open.
 */
@Tag("endurance")
class MigrationIT {
    private static final String NAMESPACE = "vireo-migration-test";
    private static final String MAC = "52:54:00:76:69:10";
    private static final int BLOCK = 16 * 1024;
    private static final long PAUSE_MILLIS = 4;
    private static final String DISK_LOAD =
            "touch /tmp/failed; echo 0 >/tmp/rounds; (n=0; while [ ! -e /tmp/stop ]; do"
                    + " dd if=/dev/vda of=/dev/null bs=16k count=16 iflag=direct 2>/dev/null"
                    + " || echo read $n >>/tmp/failed;"
                    + " dd if=/dev/zero of=/dev/vda bs=16k count=16 oflag=direct 2>/dev/null"
                    + " || echo write $n >>/tmp/failed;"
                    + " n=$((n + 1)); echo $n >/tmp/rounds.new; mv /tmp/rounds.new /tmp/rounds;"
                    + " done) >/dev/null 2>&1 &";

    @BeforeEach
    void makeNamespace() {
        HostShell.makeNamespace(NAMESPACE);
        HostShell.run("ip -n " + NAMESPACE + " link add br0 type bridge");
        HostShell.run("ip -n " + NAMESPACE + " address add 192.0.2.254/24 dev br0");
        HostShell.run("ip -n " + NAMESPACE + " link set br0 up");
    }

    @AfterEach
    void removeNamespace() {
        HostShell.removeNamespace(NAMESPACE);
    }

    @ParameterizedTest(name = "packed rings: {0}")
    @ValueSource(booleans = {false, true})
    @Timeout(600)
    void connectionAndDiskSurviveTheMove(boolean packed) throws Exception {
        Bed from = Bed.prepare(Path.of(".."), "migrate-from");
        Bed to = Bed.prepare(Path.of(".."), "migrate-to");
        try (var here = new Daemon(from);
                var there = new Daemon(to)) {
            begin(here, 0);
            begin(there, 1);
            Path passage = to.run().resolve("passage");
            var options = options(there, packed);
            options.addAll(List.of("-incoming", "unix:" + passage));
            try (var source = new Guest(from, "nomad", options(here, packed));
                    var target = new Guest(to, "nomad", options)) {
                source.start();
                source.output("ip address add 192.0.2.1/24 dev eth0 && ip link set eth0 up");
                assertThat(source.output("cat /sys/class/net/eth0/device/features").charAt(34))
                        .isEqualTo(packed ? '1' : '0');
                source.output(DISK_LOAD);
                Listeners.start(source, "nc -l -p 5001 -e cat", 5001);
                try (var echo = new Echo()) {
                    echo.awaitBlocks(20);
                    target.startIncoming();
                    awaitExists(passage);
                    long before = echo.blocks();
                    move(source, passage);
                    source.close();
                    echo.awaitBlocks(echo.blocks() + 100);
                    assertThat(before).isPositive();
                    System.out.printf(
                            "blocks of 16 KiB echoed: %d, %d of them during the move; longest pause %d ms%n",
                            echo.blocks(), echo.blocks() - before, echo.longestPauseMillis());
                }
                assertThat(target.output("cat /sys/class/net/eth0/address")).isEqualTo(MAC);
                diskGoesOn(target);
                assertThat(target.output("dmesg | grep -c -E 'BUG:|Oops|WATCHDOG'; true"))
                        .isEqualTo("0");
            }
            String way =
                    HostShell.run("bridge -n " + NAMESPACE + " fdb show br br0 | grep -i " + MAC);
            assertThat(way).contains("vireo1").doesNotContain("vireo0");
        }
    }

    private static List<String> options(Daemon daemon, boolean packed) {
        var options = new ArrayList<String>();
        for (var word : daemon.attach("nomad", 192)) {
            boolean device =
                    word.startsWith("virtio-net-pci,") || word.startsWith("vhost-user-blk-pci,");
            options.add(packed && device ? word + ",packed=on" : word);
        }
        return options;
    }

    /** The load goes on, and no request of it ever failed. */
    private static void diskGoesOn(Guest guest) {
        long rounds = Long.parseLong(guest.output("cat /tmp/rounds"));
        guest.output(
                "for i in $(seq 300); do [ $(cat /tmp/rounds) -gt %d ] && exit 0; sleep 0.1; done; exit 1"
                        .formatted(rounds + 3));
        guest.output("touch /tmp/stop; sleep 1; cat /tmp/failed; [ ! -s /tmp/failed ]");
        assertThat(guest.output("dmesg | grep -c -E 'I/O error|blk_update_request'; true"))
                .isEqualTo("0");
    }

    private static void begin(Daemon daemon, int number) {
        daemon.start();
        daemon.apply(Path.of("src/test/resources/migration" + number + ".yaml"));
        HostShell.run("ip -n %s link set vireo%d master br0 up".formatted(NAMESPACE, number));
    }

    private static void awaitExists(Path path) {
        for (int i = 0; i < 600 && !Files.exists(path); i++) {
            Processes.pause(50);
        }
    }

    private static void move(Guest source, Path passage) {
        try (var monitor = new Qmp(source.qmpSocket())) {
            monitor.run("migrate-set-parameters", "{\"max-bandwidth\": 2000000000}");
            monitor.run("migrate", "{\"uri\": \"unix:" + passage + "\"}");
            for (int i = 0; i < 1200; i++) {
                var seen = monitor.run("query-migrate", "{}");
                String status = seen.path("status").asString("");
                if (status.equals("completed")) {
                    System.out.printf(
                            "moved in %s ms, down for %s ms%n",
                            seen.path("total-time"), seen.path("downtime"));
                    return;
                }
                assertThat(status).as(seen.toString()).isNotEqualTo("failed");
                Processes.pause(50);
            }
        }
        throw new ScenarioException("the migration does not end");
    }

    /** One connection from the namespace: sends random blocks and expects them back. */
    private static final class Echo implements AutoCloseable {
        private final Process peer;
        private final AtomicLong blocks = new AtomicLong();
        private final AtomicLong longest = new AtomicLong();
        private final AtomicBoolean ending = new AtomicBoolean();
        private final CompletableFuture<Void> exchange;

        Echo() throws IOException {
            peer =
                    new ProcessBuilder(
                                    "ip",
                                    "netns",
                                    "exec",
                                    NAMESPACE,
                                    "bash",
                                    "-c",
                                    "exec 3<>/dev/tcp/192.0.2.1/5001; cat <&3 & cat >&3")
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            exchange =
                    CompletableFuture.runAsync(
                            this::exchange, task -> Thread.ofPlatform().daemon().start(task));
        }

        private void exchange() {
            var random = new Random(1);
            var sent = new byte[BLOCK];
            OutputStream out = peer.getOutputStream();
            InputStream in = peer.getInputStream();
            try {
                while (!ending.get()) {
                    random.nextBytes(sent);
                    long begin = System.nanoTime();
                    out.write(sent);
                    out.flush();
                    byte[] received = in.readNBytes(BLOCK);
                    long nanos = System.nanoTime() - begin;
                    assertThat(received).as("block " + blocks).isEqualTo(sent);
                    longest.accumulateAndGet(nanos, Math::max);
                    blocks.incrementAndGet();
                    Processes.pause(PAUSE_MILLIS);
                }
            } catch (IOException e) {
                throw new ScenarioException("the connection is broken: " + e.getMessage(), e);
            }
        }

        long blocks() {
            return blocks.get();
        }

        long longestPauseMillis() {
            return TimeUnit.NANOSECONDS.toMillis(longest.get());
        }

        void awaitBlocks(long count) {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (blocks.get() < count) {
                if (exchange.isDone()) {
                    exchange.join();
                }
                if (System.nanoTime() > deadline) {
                    throw new ScenarioException(
                            "the connection stands still after " + blocks + " blocks");
                }
                Processes.pause(20);
            }
        }

        @Override
        public void close() {
            ending.set(true);
            peer.descendants().forEach(ProcessHandle::destroyForcibly);
            Processes.kill(peer);
        }
    }
}
