package io.vireo.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.Kinds;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Commands that wait until something has come about. */
final class WaitingTest extends CliBed {
    @Test
    void aPoolThatCannotBeImportedSaysHowToGoOn() {
        world.failNext(
                new Reference(Kinds.POOL, "fast"),
                new ResourceException(ErrorCode.CONFLICT, "there is no pool"));
        assertThat(vireo("pool", "import", "fast", "/dev/x", "--wait", "3600")).isEqualTo(1);
        assertThat(err)
                .isEqualTo(
                        "vireo: the pool is not open: there is no pool. Mend it and run"
                                + " this again, or give it up: vireo delete pool fast\n");
    }

    @Test
    void whatIsWaitedForIsToldWhenItTakesLong() {
        for (int i = 0; i < 8; i++) {
            world.failNext(
                    new Reference(Kinds.POOL, "fast"),
                    new ResourceException(
                            ErrorCode.UNAVAILABLE, "/dev/x is not there; attach the disk"));
        }
        assertThat(vireo("pool", "import", "fast", "/dev/x", "--wait", "5")).isEqualTo(6);
        assertThat(err.lines())
                .anyMatch(line ->
                        line.startsWith("waiting")
                                && line.endsWith(
                                        ": the pool is not open: /dev/x is not there; attach the"
                                                + " disk"))
                .last()
                .isEqualTo(
                        "vireo: after 5 s: the pool is not open: /dev/x is not there; attach the"
                                + " disk. Mend it and run this again, or give it up: vireo delete pool"
                                + " fast");
    }

    @Test
    void waitingEndsWithItsReason() {
        world.holdOpening();
        assertThat(vireo("apply", "-f", file("all.yaml", ALL), "--wait=1")).isEqualTo(6);
        assertThat(err).contains("vireo: after 1 s: ", "is not ready").contains("It is opened.");
        world.releaseOpening();
    }

    /** Each wait here would take an hour. */
    @Test
    void whatHasFailedForGoodIsNotWaitedFor() {
        var pool = new Reference(Kinds.POOL, "ssd");
        var failure =
                new ResourceException(ErrorCode.UNSUPPORTED, "/srv/ssd is no directory; make it");
        world.failNext(pool, failure);
        String all = file("all.yaml", ALL);
        assertThat(vireo("apply", "-f", all, "--wait=3600")).isEqualTo(1);
        assertThat(err.lines().toList().getLast())
                .matches(
                        "vireo: \\S+ has failed and is not tried again by itself: .*/srv/ssd is no"
                                + " directory; make it\\. Apply it again when that is mended");
        // What waits for it, and the server that has that, do so in vain too.
        for (String kind : List.of("Vdisk/root", "ServerProfile/web1")) {
            assertThat(vireo("get", kind, "-o", "yaml")).isZero();
            assertThat(out).contains("stalled: true");
        }
        world.failNext(pool, failure);
        assertThat(vireo("apply", "-f", all, "--wait=3600")).isEqualTo(1);

        // Applied again it is not called failed before it was tried.
        assertThat(vireo("apply", "-f", all, "--wait=3600")).as(err).isZero();
        assertThat(vireo("get", "all", "-o", "yaml")).isZero();
        assertThat(out).doesNotContain("stalled");
    }
}
