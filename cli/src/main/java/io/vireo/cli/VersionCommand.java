package io.vireo.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** Prints the versions of the command and of the daemon. */
@Command(name = "version", description = "Print the version of this command and of the daemon.")
final class VersionCommand extends Subcommand {
    /** The version of this command, from its jar. */
    static final class Provider implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"vireo " + own()};
        }

        private static String own() {
            String version = VireoCli.class.getPackage().getImplementationVersion();
            return version == null ? "(built from source)" : version;
        }
    }

    @Override
    public Integer call() {
        print("vireo " + Provider.own() + "\n");
        try {
            print("daemon " + connection.open().get("/v1").path("version").asString() + "\n");
        } catch (CliException e) {
            print("daemon not reached: " + e.getMessage() + "\n");
        }
        return ExitCode.OK;
    }
}
