package io.vireo.control;

import static io.vireo.control.testing.Manifests.apply;
import static io.vireo.control.testing.Manifests.await;
import static io.vireo.control.testing.Manifests.awaitReady;
import static io.vireo.control.testing.Manifests.json;
import static io.vireo.control.testing.Manifests.manifests;
import static io.vireo.control.testing.Manifests.network;
import static io.vireo.control.testing.Manifests.pool;
import static io.vireo.control.testing.Manifests.profile;
import static io.vireo.control.testing.Manifests.ready;
import static io.vireo.control.testing.Manifests.resource;
import static io.vireo.control.testing.Manifests.vdisk;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.control.event.Event;
import io.vireo.control.plan.Action.Verb;
import io.vireo.control.plan.DryRun;
import io.vireo.control.plan.DryRun.Effect;
import io.vireo.control.testing.FakeWorld;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.VdiskAttachmentSpec;
import io.vireo.resource.spec.VnicSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The control plane as a whole, with kinds that run nothing. */
final class ControlPlaneTest {
    private static final Reference LAN = new Reference("Network", "lan");
    private static final Reference WEB1 = new Reference("ServerProfile", "web1");
    private static final Reference ROOT = new Reference("Vdisk", "root");
    private static final Reference POOL = new Reference("Pool", "ssd");
    private static final Reference NIC = new Reference("Vnic", "web1.eth0");
    private static final Reference DISK = new Reference("VdiskAttachment", "web1.disk0");

    @TempDir Path directory;
    private FakeWorld world;
    private ControlPlane control;

    @BeforeEach
    void open() {
        world = new FakeWorld();
        control = start();
        // Else its first look for leftovers could be before or after what a test declares.
        await(world::wasReclaimed, () -> "nothing was looked for");
    }

    private ControlPlane start() {
        return ControlPlane.open(
                ControlConfig.at(directory.resolve("store.db")), world.kinds(), new Services());
    }

    @AfterEach
    void close() {
        world.releaseCloses();
        control.close();
    }

    private void restart() {
        control.close();
        world.clearJournal();
        control = start();
    }

    private void applyAll() {
        apply(
                control,
                profile("web1", "lan", "root"),
                vdisk("root", "ssd"),
                pool("ssd"),
                network("lan"));
        awaitReady(control);
    }

    @Test
    void bringsUpInOrderOfReferencesWhateverTheOrderOfDeclaration() {
        applyAll();

        List<String> journal = world.journal();
        assertThat(journal)
                .containsExactlyInAnyOrder(
                        "realize Network/lan",
                        "realize Pool/ssd",
                        "realize Vdisk/root",
                        "realize Vnic/web1.eth0",
                        "realize VdiskAttachment/web1.disk0");
        assertThat(journal.indexOf("realize Pool/ssd"))
                .isLessThan(journal.indexOf("realize Vdisk/root"));
        assertThat(journal.indexOf("realize Vdisk/root"))
                .isLessThan(journal.indexOf("realize VdiskAttachment/web1.disk0"));
        assertThat(journal.indexOf("realize Network/lan"))
                .isLessThan(journal.indexOf("realize Vnic/web1.eth0"));
    }

    @Test
    void comesBackAfterARestartWithTheSameIdentities() {
        applyAll();
        View nic = control.get(NIC);
        View disk = control.get(DISK);

        restart();
        awaitReady(control);

        assertThat(control.get(NIC).resource()).isEqualTo(nic.resource());
        assertThat(control.get(DISK).resource()).isEqualTo(disk.resource());
        assertThat(world.journal())
                .contains("realize-again Vdisk/root")
                .doesNotContain("realize Vdisk/root");
    }

    /** Whatever an earlier process left behind goes first: what is declared may need its name. */
    @Test
    void leftoversAreLookedForOnceBeforeAnythingRuns() {
        applyAll();
        restart();
        awaitReady(control);
        List<String> journal = world.journal();
        assertThat(journal.subList(0, 5))
                .containsExactlyInAnyOrder(
                        "spare Network/lan",
                        "spare Pool/ssd",
                        "spare Vdisk/root",
                        "spare Vnic/web1.eth0",
                        "spare VdiskAttachment/web1.disk0");
        assertThat(journal.subList(5, journal.size())).noneMatch(what -> what.startsWith("spare"));
    }

    @Test
    void drawsIdentitiesOnceAndWritesThemIntoTheProfile() {
        applyAll();
        var mac = ((VnicSpec) control.get(NIC).resource().spec()).mac();
        String serial = ((VdiskAttachmentSpec) control.get(DISK).resource().spec()).serial();

        List<Applied> again =
                control.apply(manifests(control.codec(), profile("web1", "lan", "root")));

        assertThat(again.getFirst().outcome()).isEqualTo(Applied.Outcome.UNCHANGED);
        assertThat(((VnicSpec) control.get(NIC).resource().spec()).mac()).isEqualTo(mac);
        assertThat(mac.toString()).startsWith("56:49:");
        assertThat(serial).startsWith("vireo-").hasSizeLessThanOrEqualTo(20);
    }

    @Test
    void anIdentityIsNotGivenAwayBeforeItsDeviceHasStopped() {
        applyAll();
        String mac = ((VnicSpec) control.get(NIC).resource().spec()).mac().toString();
        JsonNode thief =
                resource(
                        "ServerProfile",
                        "thief",
                        "{'vnics':[{'name':'eth0','network':'lan','mac':'" + mac + "'}]}");
        world.holdCloses();
        control.delete(List.of(WEB1));
        await(
                () -> world.journal().contains("close Vnic/web1.eth0"),
                () -> "the card is not stopped");

        assertThatThrownBy(() -> apply(control, thief))
                .hasMessageContaining("belongs to web1.eth0");

        world.releaseCloses();
        await(() -> control.list("ServerProfile").isEmpty(), () -> "the profile stays");
        await(() -> isFree(thief), () -> "the address is never released");
    }

    private boolean isFree(JsonNode thief) {
        try {
            apply(control, thief);
            return true;
        } catch (ResourceException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.CONFLICT);
            return false;
        }
    }

    @Test
    void deletionIsRefusedWhileReferredTo() {
        applyAll();

        assertThatThrownBy(() -> control.delete(List.of(ROOT)))
                .isInstanceOfSatisfying(
                        ResourceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.IN_USE))
                .hasMessageContaining("ServerProfile/web1");
        assertThatThrownBy(() -> control.delete(List.of(NIC)))
                .hasMessageContaining("change ServerProfile/web1");
    }

    @Test
    void deletesTogetherInReverseOrderAndDestroysBeforeWhatItNeedsGoes() {
        applyAll();
        world.clearJournal();

        control.delete(List.of(POOL, ROOT, WEB1, LAN));
        await(() -> control.all().isEmpty(), () -> control.all().toString());

        List<String> journal = world.journal();
        assertThat(journal.indexOf("close VdiskAttachment/web1.disk0"))
                .isLessThan(journal.indexOf("close Vdisk/root"));
        assertThat(journal.indexOf("close Vdisk/root"))
                .isLessThan(journal.indexOf("destroy Vdisk/root"));
        assertThat(journal.indexOf("destroy Vdisk/root"))
                .isLessThan(journal.indexOf("close Pool/ssd"));
        assertThat(world.running()).isEmpty();
    }

    @Test
    void aDeletionThatWasInterruptedGoesOnAfterARestart() {
        applyAll();
        world.failNext(ROOT, new ResourceException(ErrorCode.UNAVAILABLE, "the disk is busy"));
        control.delete(List.of(WEB1, ROOT));
        await(() -> world.journal().contains("destroy Vdisk/root"), () -> "not destroyed");

        restart();
        await(() -> control.list("Vdisk").isEmpty(), () -> control.list("Vdisk").toString());

        assertThat(world.journal())
                .contains("destroy Vdisk/root")
                .doesNotContain("realize-again Vdisk/root");
    }

    /** Neither for an attempt that is not repeated, nor for the time of the next one. */
    @Test
    void whatNeverCameUpIsDeletedAtOnce() {
        world.failNext(LAN, new ResourceException(ErrorCode.IN_USE, "another one has it"));
        apply(control, network("lan"));
        await(() -> world.journal().contains("realize Network/lan"), () -> "not tried");

        control.delete(List.of(LAN));
        await(() -> control.all().isEmpty(), () -> control.all().toString());

        assertThat(world.journal()).containsExactly("realize Network/lan", "destroy Network/lan");
    }

    /** Nothing but time can change that. */
    @Test
    void aRemovalThatFailsIsTriedAgainWhateverItsReason() {
        apply(control, network("lan"));
        awaitReady(control);
        world.failNext(LAN, new ResourceException(ErrorCode.IN_USE, "somebody has it open"));

        control.delete(List.of(LAN));
        await(() -> control.all().isEmpty(), () -> control.all().toString());

        assertThat(world.journal()).endsWith("destroy Network/lan", "destroy Network/lan");
    }

    @Test
    void whatIsBeingDeletedCannotBeChangedOrReferredTo() {
        applyAll();
        world.holdCloses();
        control.delete(List.of(WEB1));

        assertThatThrownBy(() -> apply(control, profile("web1", "lan", "root")))
                .hasMessageContaining("being deleted");
    }

    @Test
    void aFailureThatCanPassIsTriedAgain() {
        world.failNext(
                LAN, new ResourceException(ErrorCode.UNAVAILABLE, "no luck; free some memory"));

        apply(control, network("lan"));
        awaitReady(control);

        assertThat(world.journal()).containsExactly("realize Network/lan", "realize Network/lan");
    }

    /** The operator has done what the message said, which nothing here notices. */
    @Test
    void whatFailedForGoodIsTriedAgainWhenItIsAppliedAgain() {
        world.failNext(LAN, new ResourceException(ErrorCode.CONFLICT, "wipe it"));
        apply(control, network("lan"));
        await(
                () -> ready(control, LAN).reason().equals("Conflict"),
                () -> ready(control, LAN).toString());
        world.failNext(NIC, new ResourceException(ErrorCode.IN_USE, "stop that one"));
        apply(control, pool("ssd"), vdisk("root", "ssd"), profile("web1", "lan", "root"));
        apply(control, network("lan"));
        await(
                () -> ready(control, NIC).reason().equals("InUse"),
                () -> ready(control, NIC).toString());

        apply(control, profile("web1", "lan", "root"));
        awaitReady(control);
    }

    @Test
    void aFailureThatCannotPassIsToldAndLeftAlone() {
        world.failNext(
                LAN,
                new ResourceException(
                        ErrorCode.UNSUPPORTED, "this host has no such thing; get one"));

        apply(
                control,
                network("lan"),
                pool("ssd"),
                vdisk("root", "ssd"),
                profile("web1", "lan", "root"));
        await(() -> ready(control, DISK).met(), () -> "the disk does not come up beside it");
        await(
                () -> ready(control, LAN).reason().equals("Unsupported"),
                () -> ready(control, LAN).toString());

        assertThat(ready(control, LAN).message()).isEqualTo("this host has no such thing; get one");
        await(
                () -> ready(control, NIC).reason().equals("DependencyNotReady"),
                () -> ready(control, NIC).toString());
        assertThat(ready(control, NIC).message()).contains("Network/lan").contains("no such thing");
        assertThat(control.ready()).isFalse();
    }

    @Test
    void aDefectOfOneKindDoesNotStopOthers() {
        world.failNext(LAN, new IllegalStateException("a defect"));

        apply(control, network("lan"), network("wan"));
        await(() -> ready(control, new Reference("Network", "wan")).met(), () -> "wan is not up");

        assertThat(ready(control, LAN).reason()).isEqualTo("Internal");
    }

    @Test
    void changesInPlace() {
        applyAll();
        world.clearJournal();

        apply(control, resource("Network", "lan", "{'mtu':9000}"));
        await(
                () -> control.get(LAN).observedGeneration() == 2 && control.get(NIC).ready(),
                () -> control.get(LAN).toString());
        await(
                () -> world.journal().contains("update Vnic/web1.eth0"),
                () -> "the card keeps its MTU");

        assertThat(world.journal().getFirst()).isEqualTo("update Network/lan");
        assertThat(((VnicSpec) control.get(NIC).resource().spec()).mtu()).isEqualTo(9000);
    }

    @Test
    void whatCannotChangeInPlaceIsRestartedWithAllThatUsesIt() {
        applyAll();
        world.clearJournal();
        world.answerUpdates(POOL, new UpdateResult.Recreate("another directory"));

        apply(control, resource("Pool", "ssd", "{'path':'/srv/other'}"));
        await(
                () -> world.journal().contains("realize VdiskAttachment/web1.disk0"),
                () -> world.journal().toString());
        awaitReady(control);

        assertThat(world.journal())
                .containsExactly(
                        "update Pool/ssd",
                        "close VdiskAttachment/web1.disk0",
                        "close Vdisk/root",
                        "close Pool/ssd",
                        "realize-again Pool/ssd",
                        "realize-again Vdisk/root",
                        "realize VdiskAttachment/web1.disk0");
    }

    @Test
    void aRefusedChangeLeavesTheOldOneRunning() {
        applyAll();
        world.answerUpdates(
                LAN,
                new UpdateResult.Refused("this needs a restart of the guests; detach them first"));

        apply(control, resource("Network", "lan", "{'macLimit':100}"));
        await(() -> !ready(control, LAN).met(), () -> "not told");

        assertThat(ready(control, LAN).reason()).isEqualTo("UpdateRefused");
        assertThat(world.running()).containsKey(LAN);

        apply(control, network("lan"));
        await(() -> ready(control, LAN).met(), () -> ready(control, LAN).toString());
    }

    @Test
    void appliesAllOrNothing() {
        assertThatThrownBy(() -> apply(control, pool("ssd"), vdisk("root", "missing")))
                .hasMessageContaining("Pool/missing")
                .hasMessageContaining("does not exist");

        assertThat(control.all()).isEmpty();
        assertThat(world.journal()).isEmpty();
    }

    @Test
    void planTellsAndChangesNothing() {
        List<DryRun.Step> plan =
                control.plan(
                        manifests(
                                control.codec(),
                                profile("web1", "lan", "root"),
                                network("lan"),
                                pool("ssd"),
                                vdisk("root", "ssd")));

        assertThat(plan).extracting(step -> step.action().verb()).containsOnly(Verb.CREATE);
        assertThat(plan).extracting(DryRun.Step::effect).containsOnly(Effect.START);
        assertThat(plan)
                .extracting(step -> step.action().target())
                .contains(NIC, DISK, LAN, POOL, ROOT, WEB1);
        assertThat(control.all()).isEmpty();
    }

    private List<String> plan(JsonNode... documents) {
        return control.plan(manifests(control.codec(), documents)).stream()
                .map(step ->
                        "%s %s %s %s"
                                .formatted(
                                        step.action().verb(),
                                        step.action().target(),
                                        step.effect(),
                                        step.changes().stream()
                                                .map(change ->
                                                        change.field()
                                                                + " "
                                                                + change.before()
                                                                        .map(JsonNode::asString)
                                                                        .orElse("-")
                                                                + " "
                                                                + change.after()
                                                                        .map(JsonNode::asString)
                                                                        .orElse("-"))
                                                .toList()))
                .toList();
    }

    @Test
    void aPlanTellsWhichFieldsChangeAndForWhomThatIsARestart() {
        applyAll();
        String mac = ((VnicSpec) control.get(NIC).resource().spec()).mac().toString();
        JsonNode server = profile("web1", "lan", "root");
        ((ObjectNode) server.at("/spec/vnics/0")).put("mac", "52:54:00:00:00:01");

        assertThat(plan(network("lan"), server))
                .containsExactly(
                        "DELETE Vnic/web1.eth0 RESTART []",
                        "CREATE Vnic/web1.eth0 RESTART [mac %s 52:54:00:00:00:01]".formatted(mac),
                        "UPDATE ServerProfile/web1 LIVE [vnics[eth0].mac %s 52:54:00:00:00:01]"
                                .formatted(mac));
        assertThat(plan(resource("Network", "lan", "{'macLimit':100}")))
                .containsExactly("UPDATE Network/lan LIVE [macLimit 16384 100]");
        apply(control, server);
        awaitReady(control);
        assertThat(control.get(NIC).resource().spec())
                .extracting(spec -> ((VnicSpec) spec).mac().toString())
                .isEqualTo("52:54:00:00:00:01");
    }

    /** Nothing tells that it is back. */
    @Test
    void whatWasLostOfTheHostIsTriedAgainUntilItIsThere() {
        applyAll();
        world.running(LAN).lose();
        await(() -> world.running(LAN).isMended(), () -> "it is not tried again");
    }

    @Test
    void aPlanForWhatDoesNotRunComparesWithWhatIsDeclared() {
        world.failNext(LAN, new ResourceException(ErrorCode.UNSUPPORTED, "no"));
        apply(control, network("lan"));
        await(() -> ready(control, LAN).reason().equals("Unsupported"), () -> "it runs");

        assertThat(plan(resource("Network", "lan", "{'macLimit':100}")))
                .containsExactly("CREATE Network/lan START [macLimit 16384 100]");
    }

    @Test
    void aRevisionThatWasSeenProtectsFromLostChanges() {
        applyAll();
        ObjectNode seen = control.codec().write(control.get(LAN).resource());
        apply(control, resource("Network", "lan", "{'mtu':9000}"));
        ((ObjectNode) seen.get("spec")).put("macLimit", 100);

        assertThatThrownBy(() -> apply(control, seen)).hasMessageContaining("has changed since");
    }

    @Test
    void twoServersCannotWriteToOneDisk() {
        applyAll();

        assertThatThrownBy(() -> apply(control, profile("web2", "lan", "root")))
                .hasMessageContaining("web1.disk0");
    }

    @Test
    void derivedResourcesCannotBeWritten() {
        applyAll();
        ObjectNode nic = control.codec().write(control.get(NIC).resource());

        assertThatThrownBy(() -> apply(control, nic))
                .hasMessageContaining("change ServerProfile/web1");
    }

    @Test
    void tellsWhatHappened() throws InterruptedException {
        long before = control.events().last();
        applyAll();
        world.running(NIC).connect();
        await(
                () ->
                        events(before).stream()
                                .anyMatch(event -> event.reason().equals("GuestThere")),
                () -> events(before).toString());

        assertThat(events(before))
                .extracting(Event::type)
                .contains(Event.Type.ADDED, Event.Type.STATUS);
        assertThat(control.events().read(before, Duration.ZERO).missed()).isFalse();
    }

    @Test
    void tellsWhatIsWrongAsOftenAsThereIsNewsAndWhatIsWellOnce() {
        applyAll();
        long before = control.events().last();
        say(new Condition("Room", true, "Free", "there is room"));
        say(new Condition("Room", true, "NearlyFull", "81% are used"));
        say(new Condition("Room", true, "NearlyFull", "82% are used"));
        say(new Condition("Room", false, "Full", "most is in a"));
        say(new Condition("Room", false, "Full", "most is in b"));
        say(new Condition("Room", true, "NearlyFull", "90% are used"));
        assertThat(events(before))
                .filteredOn(event -> event.subject().equals(POOL))
                .filteredOn(event -> !event.reason().equals("NoGuest"))
                .extracting(event -> event.reason() + ": " + event.message())
                .containsExactly(
                        "Free: there is room",
                        "NearlyFull: 81% are used",
                        "Full: most is in a",
                        "Full: most is in b",
                        "NearlyFull: 90% are used");
    }

    /** The pool is in another condition, and it was looked at since. */
    private void say(Condition condition) {
        world.running(POOL).become(condition);
        for (int look = 0; look < 2; look++) {
            long place = control.events().last();
            world.running(NIC).become(new Condition("Looked", false, "Looked", "look " + place));
            await(
                    () -> events(place).stream().anyMatch(event -> event.reason().equals("Looked")),
                    () -> "nobody looks");
        }
    }

    private List<Event> events(long after) {
        try {
            return control.events().read(after, Duration.ZERO).events();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void nothingRunsAfterAClose() {
        applyAll();

        control.close();

        assertThat(world.running()).isEmpty();
        assertThat(world.journal()).noneMatch(entry -> entry.startsWith("destroy"));
    }

    @Test
    void refusesCirclesAndUnknownFields() {
        assertThatThrownBy(() ->
                        apply(
                                control,
                                json(
                                        "{'apiVersion':'vireo/v1','kind':'Network','metadata':{'name':'a'},"
                                                + "'spec':{'mtuu':1}}")))
                .hasMessageContaining("/spec/mtuu");
    }
}
