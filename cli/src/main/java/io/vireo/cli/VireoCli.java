package io.vireo.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/** The command {@code vireo}. */
@Command(
        name = "vireo",
        description = "Virtual network cards and disks for servers.",
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        versionProvider = VersionCommand.Provider.class,
        subcommands = {
            ApplyCommand.class,
            PlanCommand.class,
            GetCommand.class,
            DescribeCommand.class,
            DeleteCommand.class,
            CancelCommand.class,
            LogoutCommand.class,
            EventsCommand.class,
            CaptureCommand.class,
            AttachCommand.class,
            VersionCommand.class,
            ServeCommand.class,
            DoctorCommand.class,
            PoolCommand.class,
            CommandLine.HelpCommand.class,
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Done.",
            "1:Refused or failed; the message says why and what to do.",
            "2:The command line, or a file, is wrong.",
            "3:The daemon cannot be reached.",
            "4:There is no such resource or kind.",
            "5:Somebody else changed, owns or uses it.",
            "6:It did not come about in the time given.",
        })
public final class VireoCli {
    private VireoCli() {}

    /**
     * Runs a command line and returns the exit code, which is no success if what it had to say was
     * lost.
     */
    static int run(Output out, PrintWriter err, String... arguments) {
        int code = run((PrintWriter) out, err, arguments);
        Optional<String> failure = out.failure();
        if (code != ExitCode.OK || failure.isEmpty()) {
            return code;
        }
        err.println(
                "vireo: not all of the output could be written: %s; what was asked for is done"
                        .formatted(failure.get()));
        err.flush();
        return ExitCode.FAILED;
    }

    /** Runs a command line and returns the exit code. */
    static int run(PrintWriter out, PrintWriter err, String... arguments) {
        return commandLine().setOut(out).setErr(err).execute(arguments);
    }

    public static void main(String... arguments) {
        var out = new Output(new FileOutputStream(FileDescriptor.out));
        var err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        System.exit(run(out, err, arguments));
    }

    private static CommandLine commandLine() {
        var line = new CommandLine(new VireoCli());
        var completion = new CommandLine(new AutoComplete.GenerateCompletion());
        completion
                .getCommandSpec()
                .name("completion")
                .usageMessage()
                .hidden(false)
                .description(
                        "Print a completion script for bash and zsh: source <(vireo completion).");
        line.addSubcommand("completion", completion);
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setExecutionExceptionHandler(VireoCli::tell);
        line.setParameterExceptionHandler(VireoCli::usage);
        return line;
    }

    private static int tell(Exception failure, CommandLine line, CommandLine.ParseResult ignored)
            throws Exception {
        if (!(failure instanceof CliException told)) {
            throw failure;
        }
        return tell(told, line);
    }

    private static int tell(CliException told, CommandLine line) {
        line.getErr().println("vireo: " + told.getMessage());
        told.details().forEach(detail -> line.getErr().println("  " + detail));
        line.getErr().flush();
        return told.exitCode();
    }

    private static int usage(ParameterException failure, String[] arguments) {
        CommandLine line = failure.getCommandLine();
        if (isWithoutCommand(failure)) {
            line.usage(line.getErr());
            return ExitCode.USAGE;
        }
        if (line.getCommand() instanceof Subcommand command) {
            var wrong = KindNames.wrong(command.connection, command.kind());
            if (wrong.isPresent()) {
                return tell(wrong.get(), line);
            }
        }
        line.getErr().println("vireo: " + reason(failure));
        if (!CommandLine.UnmatchedArgumentException.printSuggestions(failure, line.getErr())) {
            line.getErr().println("Try '" + line.getCommandSpec().qualifiedName() + " --help'.");
        }
        line.getErr().flush();
        return ExitCode.USAGE;
    }

    /** Whoever names no command wants to know which there are. */
    private static boolean isWithoutCommand(ParameterException failure) {
        return String.valueOf(failure.getMessage()).equals("Missing required subcommand");
    }

    private static String reason(ParameterException failure) {
        if (failure instanceof CommandLine.UnmatchedArgumentException unmatched
                && !unmatched.isUnknownOption()) {
            String first = unmatched.getUnmatched().getFirst();
            return failure.getCommandLine().getParent() == null
                    ? "there is no command '" + first + "'"
                    : "'" + first + "' is one argument too many";
        }
        return String.valueOf(failure.getMessage());
    }
}
