package io.vireo.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** {@code vireo cancel}. */
final class CancelCommandTest extends CliBed {
    private static final String DISKS =
            """
            apiVersion: vireo/v1
            kind: Pool
            metadata: {name: main}
            spec:
              type: disks
              disks:
                scrub: {request: now, everyDays: 7}
                members:
                - {path: /dev/a}
                - {path: /dev/b, drain: true}
                - {path: /dev/c, drain: true}
            """;

    private String spec(String kind, String name) {
        assertThat(vireo("get", kind, name, "-o", "yaml")).as(err).isZero();
        return out;
    }

    @Test
    void cancelsAMove() {
        applyAll();
        assertThat(vireo("cancel", "vdisk", "root")).isEqualTo(1);
        assertThat(err).isEqualTo("vireo: Vdisk/root has no job that runs\n");
        job("Vdisk", "root", Map.of("job", "move", "pool", "old", "allocation", "thick"));
        assertThat(
                        vireo(
                                "apply",
                                "-f",
                                file(
                                        "more.yaml",
                                        "{apiVersion: vireo/v1, kind: Pool, metadata: {name: old}, spec: {path: /srv/old}}")))
                .as(err)
                .isZero();
        assertThat(vireo("cancel", "vdisk", "root")).as(err).isZero();
        assertThat(out)
                .isEqualTo(
                        "Vdisk/root: move cancelled by spec.pool = old, spec.allocation = thick; change it in your files too\n");
        assertThat(spec("vdisk", "root")).contains("pool: old").contains("allocation: thick");
    }

    @Test
    void cancelsWhatAPoolIsBusyWith() {
        assertThat(vireo("apply", "-f", file("disks.yaml", DISKS), "--wait")).as(err).isZero();
        job("Pool", "main", Map.of("job", "drain,resync,scrub", "draining", "/dev/b, /dev/d"));
        assertThat(vireo("cancel", "pool", "main")).isEqualTo(2);
        assertThat(err)
                .isEqualTo(
                        "vireo: Pool/main has several jobs: say which, drain or resync or scrub\n");
        assertThat(vireo("cancel", "pool", "main", "resync")).isEqualTo(1);
        assertThat(err).contains("spec.disks.resyncRate slows it down");
        assertThat(vireo("cancel", "pool/main", "drain")).as(err).isZero();
        assertThat(out).contains("drain = false of /dev/b;");
        // The disk that is empty already is not taken back.
        assertThat(spec("pool", "main").split("drain: true", -1)).hasSize(2);
        assertThat(vireo("cancel", "pool", "main", "scrub")).as(err).isZero();
        assertThat(out).contains("taking spec.disks.scrub.request out");
        assertThat(spec("pool", "main")).doesNotContain("request");
        assertThat(vireo("cancel", "pool", "main", "scrub")).as(err).isZero();
        assertThat(spec("pool", "main")).contains("request: cancel");
        job("Pool", "main", Map.of("job", "reclaim"));
        assertThat(vireo("cancel", "pool", "main")).isEqualTo(1);
        assertThat(err).contains("only its room comes back");
        assertThat(vireo("cancel", "pool", "main", "scrub")).isEqualTo(1);
        assertThat(err).isEqualTo("vireo: Pool/main has no scrub\n");
        assertThat(vireo("cancel", "pool", "main", "defrag")).isEqualTo(1);
        assertThat(err).contains("there is no job 'defrag'");
    }

    @Test
    void cancelsAnImportWithItsDisk() {
        applyAll();
        assertThat(vireo("delete", "profile", "web1")).as(err).isZero();
        assertThat(vireo("cancel", "vdisk", "root", "import")).isEqualTo(1);
        assertThat(err).isEqualTo("vireo: Vdisk/root has no import\n");
        job("Vdisk", "root", Map.of("job", "import"));
        assertThat(vireo("cancel", "vdisks", "root")).as(err).isZero();
        assertThat(out).isEqualTo("Vdisk/root is being deleted, and its import with it\n");
    }
}
