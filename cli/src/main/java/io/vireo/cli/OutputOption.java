package io.vireo.cli;

import java.util.Locale;
import picocli.CommandLine.Option;

/** In which form a command shows what it found. */
final class OutputOption {
    /** Forms of output. */
    enum Form {
        TABLE,
        /** A table with all columns that there are. */
        WIDE,
        JSON,
        YAML,
        /** KIND/NAME of each resource, one a line. */
        NAME;

        /** As people write it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Option(
            names = {"-o", "--output"},
            defaultValue = "table",
            description = "One of: ${COMPLETION-CANDIDATES}. Default: table.")
    Form form = Form.TABLE;
}
