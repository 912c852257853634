package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.Eventually;
import io.vireo.testkit.HostShell;
import java.nio.file.Path;
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
        HostShell.makeNamespace(ONE);
        HostShell.makeNamespace(TWO);
    }

    @AfterEach
    void removeNamespaces() {
        HostShell.removeNamespace(ONE);
        HostShell.removeNamespace(TWO);
    }

    @Test
    @Timeout(300)
    void keepsItsCardOverRestartsAndNewNamespacesUntilItIsTakenOut() {
        Bed bed = Bed.prepare(Path.of(".."), "hostcard");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(Path.of("src/test/resources/hostcard.yaml"));
            HostShell.run("ip -n " + ONE + " address add 192.0.2.1/24 dev data0");
            HostShell.run("ip -n " + TWO + " address add 192.0.2.2/24 dev data0");
            ping();
            assertThat(HostShell.run("ip -n " + ONE + " -d link show data0"))
                    .contains("link/ether 56:49:00:00:00:31")
                    .contains("mtu 1400");
            String index = HostShell.run("ip -n " + ONE + " -o link show data0").split(":", 2)[0];

            daemon.restart();
            await(
                    "ip -n "
                            + ONE
                            + " link show data0 | grep -q LOWER_UP"
                            + " && ip -n "
                            + TWO
                            + " link show data0 | grep -q LOWER_UP");
            ping();
            assertThat(HostShell.run("ip -n " + ONE + " -o link show data0"))
                    .as("the same interface")
                    .startsWith(index + ":");

            HostShell.run("ip netns del " + ONE + " && ip netns add " + ONE);
            await("ip -n " + ONE + " link show data0 | grep -q LOWER_UP");
            HostShell.run("ip -n " + ONE + " address add 192.0.2.1/24 dev data0");
            ping();
            HostShell.run("ip -n " + ONE + " link del data0");
            await("ip -n " + ONE + " link show data0 | grep -q LOWER_UP");

            daemon.vireo("delete", "profile", "metal1");
            await("! ip -n " + ONE + " link show data0");
            assertThat(HostShell.run("ip -n " + TWO + " -o link show data0")).contains("data0");
        }
    }

    private static void ping() {
        HostShell.run("ip netns exec " + ONE + " ping -q -c 3 -W 5 192.0.2.2");
    }

    private static void await(String condition) {
        Eventually.slowly(condition, () -> HostShell.result(condition).succeeded());
    }
}
