package io.vireo.adapter.tap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.adapter.link.HostInterface;
import io.vireo.linux.NetInterface;
import io.vireo.linux.NetworkNamespace;
import io.vireo.linux.Tap;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TapInterfaceTest {
    private static final String NAMESPACE = "vireo-tap-test-" + ProcessHandle.current().pid();
    private static final String NAME = "up0";

    @TempDir private Path notes;

    private final Reactor control =
            Reactor.start(new ReactorConfig("control", -1, PollMode.INTERRUPT));

    @BeforeEach
    void makeNamespace() throws Exception {
        ip("netns", "add", NAMESPACE);
    }

    @AfterEach
    void stop() throws Exception {
        control.close();
        removeNamespace();
    }

    private static void removeNamespace() throws Exception {
        ip("netns", "del", NAMESPACE);
    }

    private static int ip(String... arguments) throws IOException, InterruptedException {
        var command = new java.util.ArrayList<String>();
        command.add("ip");
        command.addAll(java.util.List.of(arguments));
        return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor();
    }

    private TapInterface tap(String uid) {
        var host = new HostInterface("uplink 'uplink'", NAME, Optional.of(NAMESPACE));
        var settings = new TapInterface.Settings(1400, Optional.empty(), Optional.of("nobody"), 1);
        var subject = new TapNote.Subject(uid, host.namespace(), host.name());
        return new TapInterface("uplink", host, settings, TapNote.of(notes, subject));
    }

    private static boolean exists() throws IOException {
        try (var inside = NetworkNamespace.enter(NAMESPACE)) {
            return NetInterface.of(NAME).exists();
        }
    }

    @Test
    void whatItMadeStaysUntilItIsDeleted() throws Exception {
        var uplink = tap("1").open(control);
        try (var inside = NetworkNamespace.enter(NAMESPACE)) {
            var link = NetInterface.of(NAME);
            assertThat(link.mtu()).isEqualTo(1400);
            assertThat(link.isUp()).isTrue();
        }
        uplink.close();
        assertThat(exists()).as("after the daemon has stopped").isTrue();
        tap("1").open(control).close();
        tap("2").delete();
        assertThat(exists()).as("another uplink was deleted").isTrue();
        tap("1").delete();
        assertThat(exists()).isFalse();
        tap("1").delete();
    }

    @Test
    void whatWasThereBeforeIsNotDeleted() throws Exception {
        try (var inside = NetworkNamespace.enter(NAMESPACE);
                var tap = Tap.open(NAME, true, 0)) {
            tap.setPersistent(true);
        }
        tap("1").open(control).close();
        tap("1").delete();
        assertThat(exists()).isTrue();
    }

    /** The one that was made here was deleted by somebody, who then made another. */
    @Test
    void anotherInterfaceOfTheNameIsNotTakenForIt() throws Exception {
        tap("1").open(control).close();
        assertThat(ip("-n", NAMESPACE, "link", "del", NAME)).isZero();
        try (var inside = NetworkNamespace.enter(NAMESPACE);
                var tap = Tap.open(NAME, false, 0)) {
            tap.setPersistent(true);
        }
        tap("1").delete();
        assertThat(exists()).isTrue();
        assertThat(notes).isEmptyDirectory();
    }

    /** As a daemon does when it starts, after one that died before it could delete. */
    @Test
    void whatBelongsToNobodyIsDeleted() throws Exception {
        tap("1").open(control).close();
        var subject = new TapNote.Subject("1", Optional.of(NAMESPACE), NAME);
        TapInterface.reclaim("a test", notes, Set.of(subject));
        assertThat(exists()).isTrue();
        var open = tap("1").open(control);
        TapInterface.reclaim("a test", notes, Set.of());
        assertThat(exists()).as("somebody has it open").isTrue();
        open.close();
        TapInterface.reclaim("a test", notes, Set.of());
        assertThat(exists()).isFalse();
        assertThat(notes).isEmptyDirectory();
        TapInterface.reclaim("a test", notes.resolve("none"), Set.of());
    }

    /** A note of the form that had no more than the name. */
    @Test
    void whatAnEarlierVersionMadeIsKnown() throws Exception {
        tap("1").open(control).close();
        var note = new TapNote.Subject("1", Optional.of(NAMESPACE), NAME).text();
        Files.delete(notes.resolve(note));
        Files.writeString(notes.resolve("1"), NAME + "\n");
        tap("1").delete();
        assertThat(exists()).isFalse();
        assertThat(notes).isEmptyDirectory();
    }

    @Test
    void goesWithItsNamespace() throws Exception {
        tap("1").open(control).close();
        removeNamespace();
        tap("1").delete();
        assertThat(notes).isEmptyDirectory();
    }

    @Test
    void saysWhatToDo() throws Exception {
        var open = tap("1").open(control);
        assertThatThrownBy(() -> tap("2").open(control))
                .isInstanceOfSatisfying(
                        ResourceException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.IN_USE))
                .hasMessageEndingWith(
                        ": another process has up0 open; stop that one, or name another interface");
        open.close();
        tap("1").delete();
        ip("-n", NAMESPACE, "link", "add", NAME, "type", "veth", "peer", "name", "peer0");
        assertThatThrownBy(() -> tap("2").open(control))
                .hasMessage(
                        "uplink 'uplink': up0 is there and is no TAP interface that Vireo could"
                                + " open; name another one, or take it as it is with an Uplink of type"
                                + " packet");
        removeNamespace();
        assertThatThrownBy(() -> tap("3").open(control))
                .isInstanceOf(ResourceException.class)
                .hasMessageEndingWith(
                        ": there is no network namespace %s below /run/netns; make it with 'ip netns add %s', or name another one"
                                .formatted(NAMESPACE, NAMESPACE));
    }
}
