package io.vireo.cli;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Stands for the daemon in the help; the launcher starts the daemon itself. */
@Command(name = "serve", description = "Run the daemon.")
final class ServeCommand implements Callable<Integer> {
    @Parameters(hidden = true, arity = "0..*")
    String @Nullable [] ignored;

    @Override
    public Integer call() {
        throw new CliException(
                ExitCode.FAILED,
                "the daemon is not part of this installation; start it from the vireo server");
    }
}
