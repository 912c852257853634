package io.vireo.systest;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The main job, end to end: two guests with virtual cards and disks, and a host that is restarted
 * and killed under them. Each step checks what it expects and throws {@link ScenarioException}.
 */
public final class MainJob implements AutoCloseable {
    private static final int MEMORY_MIB = 512;
    private static final int MOST_CRASHES = 40;

    // Before it listens. (A QEMU 7.2 whose back end dies in the middle of the handshake never comes
    // back to it: docs/compatibility.md.)
    private static final Duration AGE_AT_DEATH = Duration.ofMillis(300);

    private final Host host;
    private final Consumer<String> progress;
    private final List<Server> servers;

    /**
     * Prepares the scenario; the host has been started.
     *
     * @param profiles the two profiles to run
     * @param progress takes a line at each step
     */
    public MainJob(Bed bed, Host host, List<String> profiles, Consumer<String> progress) {
        this.host = host;
        this.progress = progress;
        var list = new ArrayList<Server>();
        for (String profile : profiles) {
            var guest = new Guest(bed, profile, host.attach(profile, MEMORY_MIB));
            // RFC 5737: addresses for documentation, which no real network uses.
            list.add(new Server(guest, profile, "192.0.2." + (list.size() + 1)));
        }
        this.servers = List.copyOf(list);
    }

    /** Runs it all and leaves the guests running. */
    public Report run() {
        progress.accept("Booting " + profiles());
        each(server -> {
            server.boot();
            return true;
        });
        List<Server.Sighting> seen = each(this::look);
        progress.accept("Making ext4, writing and verifying across a remount in each");
        List<Double> diskRates = each(Server::tryDisk);
        List<Double> netRates = tryNetwork();
        OptionalLong recovered = endure();
        progress.accept("Remounting, checking the file systems and verifying all data");
        List<Server.Endurance> endurance = each(Server::endLoad);
        var entries = new ArrayList<Report.Entry>();
        for (int i = 0; i < servers.size(); i++) {
            String profile = servers.get(i).profile();
            entries.add(
                    new Report.Entry(
                            profile,
                            host.identity(profile),
                            seen.get(i),
                            diskRates.get(i),
                            netRates.get(i),
                            endurance.get(i)));
        }
        return new Report(entries, recovered);
    }

    private String profiles() {
        return String.join(" and ", servers.stream().map(Server::profile).toList());
    }

    private Server.Sighting look(Server server) {
        Server.Sighting seen = server.look();
        var found = new Host.Identity(seen.mac(), seen.serial());
        Host.Identity expected = host.identity(server.profile());
        if (!found.equals(expected)) {
            throw new ScenarioException(
                    server.profile() + " sees " + found + ", its profile says " + expected);
        }
        progress.accept(
                "%s sees a %s, MAC %s, and a %s, serial %s"
                        .formatted(
                                server.profile(),
                                seen.card(),
                                seen.mac(),
                                seen.disk(),
                                seen.serial()));
        return seen;
    }

    private List<Double> tryNetwork() {
        Server first = servers.get(0);
        Server second = servers.get(1);
        progress.accept("Pinging and sending data both ways");
        each(server -> {
            server.configureNetwork();
            return true;
        });
        first.ping(second);
        second.ping(first);
        return List.of(first.send(second), second.send(first));
    }

    private OptionalLong endure() {
        progress.accept("Starting verified writers and a ping in each");
        servers.get(0).beginLoad(servers.get(1));
        servers.get(1).beginLoad(servers.get(0));
        goOn();
        progress.accept("Stopping and starting the daemon under them");
        host.restart();
        goOn();
        progress.accept("Killing it, and once more while it starts");
        host.crashWhileStarting(AGE_AT_DEATH);
        goOn();
        OptionalLong recovered = OptionalLong.empty();
        for (int crash = 1; crash <= MOST_CRASHES; crash++) {
            progress.accept("Killing the daemon by SIGKILL under them and starting it");
            host.crash();
            goOn();
            recovered = host.recoveredRequests();
            if (recovered.isEmpty() || recovered.getAsLong() > 0) {
                return recovered;
            }
            progress.accept("No request was in flight at that moment: once more");
        }
        throw new ScenarioException(
                "killed %d times under write load, the daemon counts no recovered request"
                        .formatted(MOST_CRASHES));
    }

    private void goOn() {
        each(server -> {
            server.goesOn();
            return true;
        });
        progress.accept("Writes and pings go on in both");
    }

    /** Does the same in all guests at once; the first failure is thrown when all have ended. */
    private <T> List<T> each(Function<Server, T> action) {
        List<CompletableFuture<T>> parts =
                servers.stream()
                        .map(server ->
                                CompletableFuture.supplyAsync(
                                        () -> action.apply(server),
                                        task -> Thread.ofPlatform().start(task)))
                        .toList();
        try {
            CompletableFuture.allOf(parts.toArray(CompletableFuture<?>[]::new)).join();
            return parts.stream().map(CompletableFuture::join).toList();
        } catch (CompletionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new ScenarioException(String.valueOf(cause.getMessage()), cause);
        }
    }

    /** Ends the guests. */
    @Override
    public void close() {
        servers.forEach(Server::close);
    }
}
