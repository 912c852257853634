package io.vireo.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is told of command lines that are wrong. */
final class CommandFormTest extends CliBed {
    @Test
    void aNameThatNothingCanHaveIsNoPathOfTheInterface() {
        applyAll();
        for (String name : List.of("../pools/ssd", "a b", "größe", "Root")) {
            assertThat(vireo("describe", "vdisk", name)).isEqualTo(4);
            assertThat(err)
                    .isEqualTo(
                            "vireo: nothing can be called '%s': names are of lower-case letters, digits and '-'\n"
                                    .formatted(name));
        }
        assertThat(vireo("attach", "web 1", "--as", "qemu")).isEqualTo(4);
        assertThat(err).contains("nothing can be called 'web 1'");
    }

    @Test
    void aWordThatIsNoCommandOrOneTooManyIsNamed() {
        assertThat(bare("frobnicate")).isEqualTo(2);
        assertThat(err).startsWith("vireo: there is no command 'frobnicate'\n");
        assertThat(bare()).isEqualTo(2);
        assertThat(err).startsWith("Usage: vireo ").contains("Commands:", "Exit codes:");
        assertThat(bare("pool")).isEqualTo(2);
        assertThat(err).startsWith("Usage: vireo pool ").contains("import");
        assertThat(bare("get", "vdisk", "a", "b")).isEqualTo(2);
        assertThat(err).startsWith("vireo: 'b' is one argument too many\n");
        assertThat(bare("get", "--help")).isZero();
        assertThat(out).contains("One of: table, wide, json, yaml, name.");
    }

    @Test
    void aMistakeInTheFormOfACommandNeedsNoDaemon() {
        String nobody = directory.resolve("none.sock").toString();
        for (String command : List.of("delete", "describe", "cancel")) {
            assertThat(bare(command, "vdisk", "--socket", nobody)).isEqualTo(2);
            assertThat(err)
                    .isEqualTo(
                            "vireo: say which: 'vireo %s vdisk NAME'; 'vireo get vdisk' lists them\n"
                                    .formatted(command));
            assertThat(bare(command, "vdisk/", "--socket", nobody)).isEqualTo(2);
            assertThat(err).isEqualTo("vireo: 'vdisk/' is no KIND/NAME, like vdisk/data1\n");
            assertThat(bare(command, "vdisk", "a b", "--socket", nobody)).isEqualTo(4);
            assertThat(err).startsWith("vireo: nothing can be called 'a b': ");
        }
        assertThat(bare("get", "vdisk", "a b", "--socket", nobody)).isEqualTo(4);
        assertThat(bare("delete", "--socket", nobody)).isEqualTo(2);
        assertThat(err).startsWith("vireo: say what to delete: ");
        assertThat(bare("delete", "vdisk/a", "vdisk", "--socket", nobody)).isEqualTo(2);
        assertThat(bare("delete", "-f", "/nowhere.yaml", "--socket", nobody)).isEqualTo(2);
        assertThat(bare("get", "vdsiks", "--foo", "--socket", nobody)).isEqualTo(2);
        assertThat(err).contains("--foo");
    }

    @Test
    void whatIsNotThereIsToldByItsName() {
        assertThat(vireo("get", "vdisk", "none")).isEqualTo(4);
        assertThat(err)
                .isEqualTo(
                        "vireo: there is no vdisk 'none'; 'vireo get vdisk' lists those that there are\n");
        String token = directory.resolve("none").toString();
        for (String wrong : List.of("127.0.0.1", "127.0.0.1:7480", "ftp://127.0.0.1", "a b")) {
            assertThat(bare("get", "all", "--server", wrong, "--token-file", token)).isEqualTo(2);
            assertThat(err)
                    .isEqualTo(
                            "vireo: '%s' is no address of a daemon; write http://127.0.0.1:7480\n"
                                    .formatted(wrong));
        }
        assertThat(bare("get", "all", "--server", "http://127.0.0.1:1", "--token-file", token))
                .isEqualTo(2);
        assertThat(err)
                .isEqualTo(
                        "vireo: cannot read the token %s: it does not exist; name it with"
                                        .formatted(token)
                                + " --token-file, or become a member of its group\n");
        InputStream before = System.in;
        System.setIn(InputStream.nullInputStream());
        try {
            assertThat(vireo("apply", "-f", "-")).isEqualTo(2);
        } finally {
            System.setIn(before);
        }
        assertThat(err).isEqualTo("vireo: there are no resources in standard input\n");
    }

    @Test
    void aMisspelledKindIsToldBeforeAnyOtherMistake() {
        String meant = "vireo: there is no kind '%s'; did you mean '%s'? Known are acls, ";
        assertThat(vireo("get", "vdsiks", "--foo")).isEqualTo(4);
        assertThat(err).startsWith(meant.formatted("vdsiks", "vdisks")).hasLineCount(1);
        assertThat(vireo("get", "vdsiks", "a", "b")).isEqualTo(4);
        assertThat(err).startsWith(meant.formatted("vdsiks", "vdisks"));
        for (String command : List.of("delete", "describe", "cancel")) {
            assertThat(vireo(command, "netwrok")).isEqualTo(4);
            assertThat(err).startsWith(meant.formatted("netwrok", "network"));
        }
        assertThat(vireo("delete", "serverprofle/web1", "--wiat", "3")).isEqualTo(4);
        assertThat(err).startsWith(meant.formatted("serverprofle", "serverprofile"));
        assertThat(vireo("delete", "all")).isEqualTo(4);
        assertThat(err).startsWith("vireo: there is no kind 'all'; known are acls, ");
        assertThat(vireo("get", "vdisks", "--foo")).isEqualTo(2);
        assertThat(err).contains("--foo").doesNotContain("no kind");
    }
}
