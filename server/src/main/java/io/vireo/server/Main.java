package io.vireo.server;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Entry point of the daemon's side of {@code vireo}: {@code serve}, {@code doctor} and {@code pool
 * check}.
 */
@Command(
        name = "vireo",
        subcommands = {Doctor.class, PoolCommand.class},
        mixinStandardHelpOptions = true)
public final class Main {
    /** Read if it exists and {@code --config} names no other file. */
    private static final Path DEFAULT_CONFIG = Path.of("/etc/vireo/vireo.properties");

    private static final String CONFIG = "--config";

    private static final System.Logger LOG = System.getLogger(Main.class.getName());

    private Main() {}

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /** Runs a command to its end; returns the exit code. */
    static int run(String... arguments) {
        var serve = new CommandLine(new Serve());
        var commandLine = new CommandLine(new Main()).addSubcommand(serve);
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler((e, failed, _) -> {
            failed.getErr().println("vireo: " + Messages.of(e));
            return 1;
        });
        commandLine.setParameterExceptionHandler((e, _) -> {
            var failed = e.getCommandLine();
            failed.getErr().println("vireo: " + e.getMessage());
            failed.getErr()
                    .println("Try '" + failed.getCommandSpec().qualifiedName() + " --help'.");
            return 2;
        });
        try {
            configFile(arguments).ifPresent(file -> applyDefaults(serve, file));
        } catch (IllegalArgumentException e) {
            System.err.println("vireo: " + e.getMessage());
            return 2;
        }
        return commandLine.execute(arguments);
    }

    /** The file that {@code --config FILE} or {@code --config=FILE} names, or the default one. */
    static Optional<Path> configFile(String[] arguments) {
        for (int i = 0; i < arguments.length; i++) {
            if (arguments[i].startsWith(CONFIG + "=")) {
                return Optional.of(Path.of(arguments[i].substring(CONFIG.length() + 1)));
            }
            if (arguments[i].equals(CONFIG) && i + 1 < arguments.length) {
                return Optional.of(Path.of(arguments[i + 1]));
            }
        }
        return Files.exists(DEFAULT_CONFIG) ? Optional.of(DEFAULT_CONFIG) : Optional.empty();
    }

    /** Lines of the file are options without the dashes: {@code runtime-dir = /run/vireo}. */
    private static void applyDefaults(CommandLine serve, Path file) {
        var properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "cannot read the configuration file " + file + ": " + Messages.of(e), e);
        }
        for (var key : properties.stringPropertyNames()) {
            var option = serve.getCommandSpec().findOption("--" + key);
            if (option == null) {
                throw new IllegalArgumentException(
                        file + ": there is no option \"" + key + "\": see vireo serve --help");
            }
        }
        serve.setDefaultValueProvider(argument ->
                argument instanceof CommandLine.Model.OptionSpec option
                        ? properties.getProperty(option.longestName().substring(2))
                        : null);
    }

    /** {@code vireo serve}. */
    @Command(
            name = "serve",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = "Runs the daemon in the foreground until SIGTERM or SIGINT.")
    static final class Serve implements Callable<Integer> {
        @Mixin private ServerConfig config = new ServerConfig();

        @Option(
                names = CONFIG,
                paramLabel = "FILE",
                description = {
                    "File with options as \"name = value\" lines, without the dashes.",
                    "Default: /etc/vireo/vireo.properties if it is there"
                })
        private Optional<Path> file = Optional.empty();

        @Spec
        @SuppressWarnings("NullAway.Init") // set by picocli
        private CommandSpec spec;

        @Override
        public Integer call() throws Exception {
            try {
                config.check();
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), Messages.of(e), e);
            }
            file.ifPresent(
                    read -> LOG.log(System.Logger.Level.INFO, "options are from " + read + " too"));
            try (var daemon = Daemon.start(config)) {
                daemon.awaitShutdown();
            }
            return 0;
        }
    }
}
