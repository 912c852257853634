package io.vireo.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What all commands that talk to the daemon share. */
@Command(mixinStandardHelpOptions = true, usageHelpAutoWidth = true)
abstract class Subcommand implements Callable<Integer> {
    @Mixin final Connection connection = new Connection();

    @Spec @Nullable CommandSpec spec;

    /** The kind that it is about, as far as the command line was read; empty: none. */
    String kind() {
        return "";
    }

    /**
     * The resource that a command line names.
     *
     * @param command the command's own name
     * @param kind the kind, or KIND/NAME
     * @param name null if there is none of its own
     * @throws CliException if it names none
     */
    KindNames.Named named(String command, String kind, @Nullable String name) {
        if (name != null) {
            return new KindNames.Named(kind, name);
        }
        if (kind.contains("/")) {
            return KindNames.Named.of(kind);
        }
        throw KindNames.wrong(connection, kind).orElseGet(() -> unnamed(command, kind));
    }

    static CliException unnamed(String command, String kind) {
        return new CliException(
                ExitCode.USAGE,
                "say which: 'vireo %s %s NAME'; 'vireo get %s' lists them"
                        .formatted(command, kind, kind));
    }

    PrintWriter out() {
        return line().getOut();
    }

    PrintWriter err() {
        return line().getErr();
    }

    private CommandLine line() {
        CommandSpec own = spec;
        if (own == null) {
            throw new IllegalStateException("picocli sets the spec");
        }
        return own.commandLine();
    }

    /** Whether nobody reads what it prints any more. */
    boolean isUnheard() {
        return out().checkError();
    }

    void print(String text) {
        out().print(text);
        out().flush();
    }
}
