package io.vireo.server;

import io.vireo.block.HostDisks;
import io.vireo.block.HostDisks.HostDisk;
import io.vireo.fabric.storage.pool.PoolCheck;
import io.vireo.fabric.storage.pool.PoolCheckReport;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.PoolSpec;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code vireo pool}: what is done with the disks of a pool that no daemon has open. */
@Command(
        name = "pool",
        mixinStandardHelpOptions = true,
        subcommands = PoolCommand.Check.class,
        description = "Looks at the disks of pools.")
final class PoolCommand {
    private static final int SOUND = 0;
    private static final int BROKEN = 1;

    /** {@code vireo pool check}. */
    @Command(
            name = "check",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = {
                "Checks a pool of type disks that no daemon has open, and says what it found.",
                "Reads all maps and the journal, not the data; writes nothing.",
                "Exit code: 0 if nothing is wrong, 1 otherwise."
            })
    static final class Check implements Callable<Integer> {
        @Parameters(
                arity = "1..*",
                paramLabel = "DISK",
                description = "All disks of the pool, in any order.")
        private List<Path> disks = List.of();

        @Spec private CommandSpec command = CommandSpec.create();

        @Override
        public Integer call() {
            PoolCheckReport report = check(disks);
            print(report, command.commandLine().getOut());
            return report.isSound() ? SOUND : BROKEN;
        }
    }

    private static PoolCheckReport check(List<Path> paths) {
        var host =
                ServiceLoader.load(HostDisks.class)
                        .findFirst()
                        .orElseThrow(() ->
                                new ResourceException(
                                        ErrorCode.UNSUPPORTED, "nothing here opens disks"));
        var reactors = ReactorGroup.start(List.of(-1), PollMode.INTERRUPT);
        var open = new ArrayList<HostDisk>();
        try {
            for (Path path : paths) {
                open.add(
                        host.open(
                                path.toAbsolutePath().normalize(),
                                OptionalLong.empty(),
                                PoolSpec.Backend.AUTO,
                                true));
            }
            return PoolCheck.run(open.stream().map(HostDisk::device).toList(), reactors.next());
        } finally {
            open.forEach(HostDisk::close);
            reactors.close();
        }
    }

    private static void print(PoolCheckReport report, PrintWriter out) {
        if (!report.pool().isEmpty()) {
            line(out, "pool", report.pool());
            line(out, "generation", report.generation() + ", opened " + times(report.ownerEpoch()));
            line(out, "journal", report.groups() + " groups to replay");
            line(out, "volumes", report.volumes() + " vDisks and snapshots");
            line(out, "map pages", Long.toString(report.mapPages()));
            line(
                    out,
                    "chunks",
                    "%d: %d with data, %d with metadata, %d to be zeroed before use"
                            .formatted(
                                    report.totalChunks(),
                                    report.dataChunks(),
                                    report.metadataChunks(),
                                    report.toClean()));
            line(
                    out,
                    "checksums",
                    "of %d blocks, %d of them to be taken anew"
                            .formatted(report.checksums(), report.uncertain()));
        }
        report.findings().forEach(finding -> line(out, "WRONG", finding));
        out.println(advice(report));
        out.flush();
    }

    private static String advice(PoolCheckReport report) {
        if (report.isSound()) {
            return "Nothing is wrong.";
        }
        return report.pool().isEmpty()
                ? "No pool could be read: are these all disks of one pool, and no others?"
                : "Copy what can still be read away, and restore the rest from a backup.";
    }

    private static String times(long count) {
        return count == 1 ? "once" : count + " times";
    }

    private static void line(PrintWriter out, String what, String fact) {
        out.printf("%-10s  %s%n", what, fact);
    }
}
