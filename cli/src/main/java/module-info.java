/** The command line. It speaks REST only and knows nothing of the daemon's classes. */
module io.vireo.cli {
    requires info.picocli;
    requires tools.jackson.databind;
    requires tools.jackson.dataformat.yaml;
    requires static org.jspecify;

    exports io.vireo.cli;

    opens io.vireo.cli to
            info.picocli;
}
