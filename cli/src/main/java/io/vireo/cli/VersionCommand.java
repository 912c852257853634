package io.vireo.cli;

import java.lang.module.ModuleDescriptor;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** Prints the versions of the command and of the daemon. */
@Command(name = "version", description = "Print the version of this command and of the daemon.")
final class VersionCommand extends Subcommand {
    /** The version of this command, from its module. */
    static final class Provider implements IVersionProvider {
        private static final String UNKNOWN = "(built from source)";

        @Override
        public String[] getVersion() {
            return new String[] {"vireo " + own()};
        }

        private static String own() {
            ModuleDescriptor module = VireoCli.class.getModule().getDescriptor();
            return module == null ? UNKNOWN : module.rawVersion().orElse(UNKNOWN);
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
