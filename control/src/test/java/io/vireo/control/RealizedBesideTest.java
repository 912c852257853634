package io.vireo.control;

import static io.vireo.control.testing.Manifests.apply;
import static io.vireo.control.testing.Manifests.await;
import static io.vireo.control.testing.Manifests.awaitReady;
import static io.vireo.control.testing.Manifests.network;
import static io.vireo.control.testing.Manifests.pool;
import static io.vireo.control.testing.Manifests.ready;
import static io.vireo.control.testing.Manifests.resource;
import static io.vireo.control.testing.Manifests.vdisk;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.control.testing.FakeWorld;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Progress;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Wait;
import io.vireo.resource.spec.Kinds;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A pool whose opening takes long, and what goes on meanwhile. */
@Timeout(120)
class RealizedBesideTest {
    private static final Reference LAN = new Reference(Kinds.NETWORK, "lan");
    private static final Reference POOL = new Reference(Kinds.POOL, "ssd");
    private static final Reference ROOT = new Reference(Kinds.VDISK, "root");

    private final FakeWorld world = new FakeWorld();
    @TempDir Path directory;
    private ControlPlane control;

    @BeforeEach
    void open() {
        world.holdOpening();
        control = start();
    }

    private ControlPlane start() {
        return ControlPlane.open(
                ControlConfig.at(directory.resolve("store.db")), world.kinds(), new Services());
    }

    @AfterEach
    void close() {
        world.releaseOpening();
        world.releaseCloses();
        control.close();
    }

    private void beginToOpen() {
        apply(control, vdisk("root", "ssd"), pool("ssd"));
        awaitProgress();
    }

    private void awaitProgress() {
        await(
                () -> control.get(POOL).attributes().containsKey(Progress.PROGRESS),
                () -> "it is not opened: " + control.get(POOL));
    }

    private void awaitReason(Reference reference, String reason) {
        await(
                () -> ready(control, reference).reason().equals(reason),
                () -> "not " + reason + ": " + ready(control, reference));
    }

    @Test
    void othersComeUpAndWhatNeedsItComesWhenItIsThere() {
        beginToOpen();
        apply(control, network("lan"));
        await(() -> ready(control, LAN).met(), () -> "the network waits for the pool");
        assertThat(ready(control, POOL))
                .isEqualTo(new Condition(Condition.READY, false, "Opening", "It is opened."));
        assertThat(control.get(POOL).attributes())
                .containsEntry(Progress.JOB, "open")
                .containsEntry(Progress.PROGRESS, "42%");
        assertThat(ready(control, ROOT).message()).isEqualTo("waits for Pool/ssd: It is opened.");
        assertThat(world.journal()).doesNotContain("realize Vdisk/root");
        world.releaseOpening();
        awaitReady(control);
        assertThat(world.journal()).containsOnlyOnce("realize Pool/ssd", "realize Vdisk/root");
        assertThat(control.get(POOL).attributes()).doesNotContainKey(Progress.JOB);
    }

    @Test
    void whatItWaitsForIsItsConditionForThatLong() throws InterruptedException {
        beginToOpen();
        var wait = new Wait("WaitsForOwner", "It waits for host a.", Duration.ofSeconds(9));
        world.waitFor(Optional.of(wait));
        awaitReason(POOL, "WaitsForOwner");
        assertThat(ready(control, POOL))
                .isEqualTo(
                        new Condition(
                                Condition.READY, false, "WaitsForOwner", "It waits for host a."));
        assertThat(control.get(POOL).attributes())
                .containsEntry(Progress.JOB, "open")
                .containsEntry(Progress.TIME_LEFT, "9s");
        await(
                () ->
                        ready(control, ROOT)
                                .message()
                                .equals("waits for Pool/ssd: It waits for host a."),
                () -> "the vDisk does not say so: " + ready(control, ROOT));
        world.waitFor(Optional.empty());
        awaitReason(POOL, "Opening");
        assertThat(control.get(POOL).attributes()).containsEntry(Progress.PROGRESS, "42%");
        // Once each, however often it was told.
        assertThat(
                        control.events().read(0, Duration.ZERO).events().stream()
                                .map(each -> each.message()))
                .containsOnlyOnce("It waits for host a.");
        world.releaseOpening();
        awaitReady(control);
    }

    @Test
    void aChangeWaitsUntilItIsThere() {
        beginToOpen();
        apply(control, resource("Pool", "ssd", "{'path':'/srv/ssd','warnPercent':50}"));
        apply(control, network("lan"));
        await(() -> ready(control, LAN).met(), () -> "the network waits for the pool");
        assertThat(world.journal()).doesNotContain("update Pool/ssd");
        world.releaseOpening();
        awaitReady(control);
        assertThat(world.journal()).containsOnlyOnce("realize Pool/ssd", "update Pool/ssd");
        assertThat(control.get(POOL).observedGeneration()).isEqualTo(2);
    }

    @Test
    void aFailureIsToldAndTriedAgainAsAnyOther() throws InterruptedException {
        world.failNext(POOL, new ResourceException(ErrorCode.UNAVAILABLE, "no disk"));
        beginToOpen();
        world.releaseOpening();
        awaitReady(control);
        assertThat(world.journal().stream().filter("realize Pool/ssd"::equals)).hasSize(2);
        assertThat(
                        control.events().read(0, Duration.ZERO).events().stream()
                                .map(each -> each.message()))
                .contains("no disk");
    }

    @Test
    void aFailureThatCannotPassIsLeftAlone() {
        world.failNext(POOL, new ResourceException(ErrorCode.CONFLICT, "not ours"));
        beginToOpen();
        world.releaseOpening();
        awaitReason(POOL, "Conflict");
        assertThat(ready(control, POOL).message()).isEqualTo("not ours");
        assertThat(control.get(POOL).observedGeneration()).isZero();
        assertThat(world.running()).doesNotContainKey(POOL);
    }

    @Test
    void deletingItEndsTheOpening() {
        apply(control, pool("ssd"));
        awaitProgress();
        control.delete(List.of(POOL));
        await(() -> control.list(Kinds.POOL).isEmpty(), () -> "it stays: " + control.get(POOL));
        assertThat(world.journal()).contains("destroy Pool/ssd");
        assertThat(world.running()).isEmpty();
    }

    @Test
    void whatIsToBeRemovedFromItWaitsToo() {
        world.releaseOpening();
        apply(control, vdisk("root", "ssd"), pool("ssd"));
        awaitReady(control);
        control.close();
        world.clearJournal();
        world.holdOpening();
        control = start();
        awaitProgress();
        control.delete(List.of(ROOT));
        apply(control, network("lan"));
        await(() -> ready(control, LAN).met(), () -> "the network waits for the pool");
        assertThat(world.journal()).doesNotContain("destroy Vdisk/root");
        world.releaseOpening();
        await(() -> control.list(Kinds.VDISK).isEmpty(), () -> "it stays: " + control.get(ROOT));
        assertThat(world.journal()).containsOnlyOnce("destroy Vdisk/root");
    }

    @Test
    void stoppingTheDaemonEndsTheOpeningAndTheNextOneOpensIt() {
        beginToOpen();
        control.close();
        assertThat(world.running()).isEmpty();
        world.clearJournal();
        world.releaseOpening();
        control = start();
        awaitReady(control);
        // It never was there, so that it may be made.
        assertThat(world.journal()).contains("realize Pool/ssd", "realize Vdisk/root");
    }

    @Test
    void whatIsAskedOfItIsAnsweredWithWhatItIsDoing() {
        beginToOpen();
        var contents = new LiveStream.Offer("contents", "", "", List.of());
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> control.stream(POOL, contents, Map.of()))
                .withMessage("Pool/ssd does not run yet: It is opened.")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_READY));
    }
}
