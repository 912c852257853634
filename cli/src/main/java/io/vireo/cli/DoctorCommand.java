package io.vireo.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Stands for the check of the host in the help; the launcher starts the check itself. */
@Command(name = "doctor", description = "Check this host and say what to do.")
final class DoctorCommand implements Callable<Integer> {
    @Override
    public Integer call() {
        throw new CliException(
                ExitCode.FAILED,
                "the check is not part of this installation; run it from the vireo server");
    }
}
