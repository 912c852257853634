package io.vireo.cli.attach;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

final class IscsiTest {
    private static final String NAME = "iqn.2026-11.internal.vireo:db1-1";

    private static IscsiTargetAccess target(
            Optional<IscsiTargetAccess.Chap> chap, String initiator, OptionalInt bootLun) {
        return new IscsiTargetAccess(
                NAME,
                List.of(initiator),
                List.of(
                        new IscsiTargetAccess.Portal("192.0.2.10", 3260, 1),
                        new IscsiTargetAccess.Portal("[2001:db8::1]", 3261, 2)),
                chap,
                bootLun);
    }

    private static Optional<IscsiTargetAccess.Chap> chap() {
        return Optional.of(
                new IscsiTargetAccess.Chap(
                        "it's db1", "db1", Optional.of("vireo"), Optional.of("vireo-db1")));
    }

    @Test
    void commandsOfLinux() {
        assertThat(
                        new OpenIscsi()
                                .render(
                                        List.of(
                                                target(
                                                        Optional.empty(),
                                                        "*",
                                                        OptionalInt.empty()))))
                .isEqualTo(
                        """
                        iscsiadm -m node -T iqn.2026-11.internal.vireo:db1-1 -p 192.0.2.10:3260,1 -o new
                        iscsiadm -m node -T iqn.2026-11.internal.vireo:db1-1 -p 192.0.2.10:3260,1 --login
                        iscsiadm -m node -T iqn.2026-11.internal.vireo:db1-1 -p [2001:db8::1]:3261,2 -o new
                        iscsiadm -m node -T iqn.2026-11.internal.vireo:db1-1 -p [2001:db8::1]:3261,2 --login
                        """);
        assertThat(
                        new OpenIscsi()
                                .render(
                                        List.of(
                                                target(
                                                        chap(),
                                                        "iqn.2026-11.test:db1",
                                                        OptionalInt.empty()))))
                .startsWith(
                        "# InitiatorName in /etc/iscsi/initiatorname.iscsi: iqn.2026-11.test:db1\n")
                .contains("-o update -n node.session.auth.authmethod -v CHAP\n")
                .contains("-n node.session.auth.username -v 'it'\\''s db1'\n")
                .contains("-n node.session.auth.password -v \"$(cat db1)\"\n")
                .contains("-n node.session.auth.username_in -v 'vireo'\n")
                .contains("-n node.session.auth.password_in -v \"$(cat vireo-db1)\"\n");
    }

    @Test
    void scriptOfIpxe() {
        assertThat(
                        new Ipxe()
                                .render(
                                        List.of(
                                                target(
                                                        chap(),
                                                        "iqn.2026-11.test:db1",
                                                        OptionalInt.of(10)))))
                .isEqualTo(
                        """
                        #!ipxe
                        set initiator-iqn iqn.2026-11.test:db1
                        set username it's db1
                        set password <the content of the secret db1>
                        set reverse-username vireo
                        set reverse-password <the content of the secret vireo-db1>
                        sanboot iscsi:192.0.2.10::3260:a:iqn.2026-11.internal.vireo:db1-1 iscsi:[2001:db8::1]::3261:a:iqn.2026-11.internal.vireo:db1-1
                        """);
        assertThat(new Ipxe().render(List.of(target(Optional.empty(), "*", OptionalInt.of(256)))))
                .contains("::3260:4100:iqn")
                .doesNotContain("initiator-iqn");
        assertThatThrownBy(() ->
                        new Ipxe()
                                .render(
                                        List.of(
                                                target(
                                                        Optional.empty(),
                                                        "*",
                                                        OptionalInt.empty()))))
                .hasMessageContaining("give one of them boot: true");
    }
}
