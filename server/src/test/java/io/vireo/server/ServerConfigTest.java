package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.control.identity.IdentityConfig;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
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
    void thereAreNoNegativeNumbersOfReactors() {
        assertThat(parse("--reactors", "2").cpus()).containsExactly(-1, -1);
        assertThatThrownBy(() -> parse("--reactors=-3").cpus())
                .hasMessage("--reactors -3: give 1 or more");
    }
}
