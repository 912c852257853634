package io.vireo.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Where a command finds the resources that it is about. */
final class SourceOptions {
    @Option(
            names = {"-f", "--file"},
            required = true,
            paramLabel = "FILE",
            description =
                    "YAML or JSON file, directory of such files, or - for standard input; may be repeated.")
    List<String> files = new ArrayList<>();
}
