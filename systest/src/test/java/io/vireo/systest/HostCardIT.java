package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two network namespaces whose only cards are those of profiles. */
class HostCardIT {
    private static final String ONE = "vireo-metal1";
    private static final String TWO = "vireo-metal2";

    @BeforeEach
    void makeNamespaces() {
        removeNamespaces();
        host("ip netns add " + ONE);
        host("ip netns add " + TWO);
    }

    @AfterEach
    void removeNamespaces() {
        host("ip netns del " + ONE + " 2>/dev/null || true");
        host("ip netns del " + TWO + " 2>/dev/null || true");
    }

    @Test
    @Timeout(300)
    void keepsItsCardOverRestartsAndNewNamespacesUntilItIsTakenOut() {
        Bed bed = Bed.prepare(Path.of(".."), "hostcard");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(Path.of("src/test/resources/hostcard.yaml"));
            host("ip -n " + ONE + " address add 192.0.2.1/24 dev data0");
            host("ip -n " + TWO + " address add 192.0.2.2/24 dev data0");
            ping();
            assertThat(host("ip -n " + ONE + " -d link show data0"))
                    .contains("link/ether 56:49:00:00:00:31")
                    .contains("mtu 1400");
            String index = host("ip -n " + ONE + " -o link show data0").split(":", 2)[0];

            daemon.restart();
            await(
                    "ip -n "
                            + ONE
                            + " link show data0 | grep -q LOWER_UP"
                            + " && ip -n "
                            + TWO
                            + " link show data0 | grep -q LOWER_UP");
            ping();
            assertThat(host("ip -n " + ONE + " -o link show data0"))
                    .as("the same interface")
                    .startsWith(index + ":");

            host("ip netns del " + ONE + " && ip netns add " + ONE);
            await("ip -n " + ONE + " link show data0 | grep -q LOWER_UP");
            host("ip -n " + ONE + " address add 192.0.2.1/24 dev data0");
            ping();
            host("ip -n " + ONE + " link del data0");
            await("ip -n " + ONE + " link show data0 | grep -q LOWER_UP");

            daemon.vireo("delete", "profile", "metal1");
            await("! ip -n " + ONE + " link show data0");
            assertThat(host("ip -n " + TWO + " -o link show data0")).contains("data0");
        }
    }

    private static void ping() {
        host("ip netns exec " + ONE + " ping -q -c 3 -W 5 192.0.2.2");
    }

    private static void await(String condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!host("(" + condition + ") >/dev/null 2>&1 && echo yes || echo no").equals("yes")) {
            assertThat(System.nanoTime()).as(condition).isLessThan(deadline);
            Processes.pause(100);
        }
    }

    private static String host(String command) {
        try {
            Process process =
                    new ProcessBuilder("bash", "-c", command).redirectErrorStream(true).start();
            var output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(Processes.ended(process, Duration.ofMinutes(1))).as(command).isTrue();
            assertThat(process.exitValue()).as(command + ": " + output).isZero();
            return output.strip();
        } catch (IOException e) {
            throw new IllegalStateException(command, e);
        }
    }
}
