package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.control.identity.IdentityConfig;
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
}
