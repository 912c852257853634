package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.control.identity.IdentityConfig;
import io.vireo.linux.Sched;
import java.io.IOException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What the options of {@code vireo serve} come to. */
class ServerConfigTest {
    private static ServerConfig parse(String... options) {
        return CommandLine.populateCommand(new ServerConfig(), options);
    }

    @Test
    void identitiesHavePrefixes() {
        assertThat(parse().identities()).isEqualTo(IdentityConfig.DEFAULT);
        var own = parse("--mac-prefix=52:54:00", "--serial-prefix", "rack7-").identities();
        assertThat(own.macPrefix()).isEqualTo("52:54:00");
        assertThat(own.serialPrefix()).isEqualTo("rack7-");
        assertThatThrownBy(() -> parse("--mac-prefix=01:00").identities())
                .hasMessageContaining("'01:00' is no prefix of unicast MAC addresses");
        var fabric = parse("--wwn-prefix=3A07", "--iqn-prefix=iqn.2026-11.test:r7").identities();
        assertThat(fabric.wwnPrefix()).isEqualTo("3a07");
        assertThat(fabric.iqnPrefix()).isEqualTo("iqn.2026-11.test:r7");
        assertThatThrownBy(() -> parse("--wwn-prefix=xyz").identities())
                .hasMessageContaining("'xyz' is no prefix of World Wide Names");
        assertThatThrownBy(() -> parse("--serial-prefix=a b").identities())
                .hasMessageContaining("'a b' is no prefix of disk serials");
    }

    @Test
    void theFileOfOptionsIsNamedEitherWay() {
        var file = Optional.of(Path.of("/srv/vireo.properties"));
        assertThat(Main.configFile(new String[] {"serve", "--config", "/srv/vireo.properties"}))
                .isEqualTo(file);
        assertThat(Main.configFile(new String[] {"serve", "--config=/srv/vireo.properties"}))
                .isEqualTo(file);
    }

    @Test
    void theAddressOfTheInterfaceIsOnThisHost() throws IOException {
        for (var good : List.of("none", "127.0.0.1:0", "localhost:65535")) {
            parse("--listen", good).check();
        }
        for (var bad : List.of("", "7480", "0.0.0.0:7480", "127.0.0.1:65536", "localhost:http")) {
            assertThatThrownBy(() -> parse("--listen", bad).check())
                    .hasMessage(
                            "--listen %s: give 127.0.0.1:PORT or none; for access from other hosts put"
                                            .formatted(bad)
                                    + " a proxy with TLS before the Unix socket");
        }
    }

    @Test
    void reactorsAreBoundToCpusThatTheProcessMayUse() throws IOException {
        var bindable = Sched.bindableCpus();
        assertThat(bindable.cardinality()).isPositive();
        int first = bindable.nextSetBit(0);
        parse("--reactor-cpus", first + "," + first).check();
        assertThatThrownBy(() -> parse("--reactor-cpus", first + ",8191").check())
                .hasMessage(
                        "--reactor-cpus 8191: this process cannot run on such a CPU; give some of "
                                + ReactorCpus.text(bindable)
                                + ", or see its cpuset (/proc/self/cpuset)");
        var some = new BitSet();
        some.set(0, 4);
        some.set(6);
        assertThat(ReactorCpus.text(some)).isEqualTo("0-3,6");
    }

    /** Before directories are made and threads started. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "--listen=0.0.0.0:7480",
                "--reactors=-1",
                "--reactors=0",
                "--reactor-cpus=8191",
                "--reactor-cpus=99999",
                "--reactor-cpus=-1",
                "--mac-prefix=01",
                "--socket-owner=vireo-nobody",
                "--socket-group=vireo-nobody"
            })
    void whatCannotBeIsRefusedAtOnce(String option, @TempDir Path directory) throws IOException {
        var runtime = directory.resolve("run");
        var state = directory.resolve("state");
        assertThat(Main.run("serve", "--runtime-dir=" + runtime, "--state-dir=" + state, option))
                .isEqualTo(2);
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void thereAreNotLessThanNoneOrHundredsOfReactors() {
        assertThat(parse("--reactors", "2").cpus()).containsExactly(-1, -1);
        assertThatThrownBy(() -> parse("--reactors=-3").cpus())
                .hasMessage("--reactors -3: give 1 to 64");
        assertThatThrownBy(() -> parse("--reactors=0").cpus())
                .hasMessage("--reactors 0: give 1 to 64");
        assertThat(parse().cpus()).isNotEmpty().containsOnly(-1);
        assertThatThrownBy(() -> parse("--reactors=65").cpus())
                .hasMessage("--reactors 65: give 1 to 64");
    }
}
