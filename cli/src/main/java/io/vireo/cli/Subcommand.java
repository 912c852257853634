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

    void print(String text) {
        out().print(text);
        out().flush();
    }
}
