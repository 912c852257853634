package io.vireo.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The second reader of storage pools: {@code pool_reader.py}, in Python, which was written from
 * {@code docs/pool-format.md} and knows nothing of our code. What it makes of disks is what the
 * document says that is on them.
 */
public final class PoolReader {
    private static final String SCRIPT = "pool_reader.py";

    private PoolReader() {}

    /**
     * A volume or snapshot that was found.
     *
     * @param origin of which volume it was made, 0: of none
     * @param capacity in bytes
     * @param uncertain blocks that do not match their checksum and do not have to
     * @param content a file that holds what it holds
     */
    public record Volume(
            long id,
            long origin,
            boolean snapshot,
            long capacity,
            int uncertain,
            String name,
            Path content) {}

    /**
     * What came of a look.
     *
     * @param refused why nothing more was read; empty: all was
     * @param groups of the journal that were replayed
     * @param volumes those that were read before it was refused
     */
    public record Result(String refused, int groups, List<Volume> volumes) {}

    /**
     * Reads a pool that nobody has open, and puts what its volumes hold into files.
     *
     * @param disks its members, or legs of them
     * @param directory that is empty
     */
    public static Result read(List<Path> disks, Path directory)
            throws IOException, InterruptedException {
        Path script = directory.resolve(SCRIPT);
        try (InputStream source = PoolReader.class.getResourceAsStream(SCRIPT)) {
            Files.copy(Objects.requireNonNull(source, SCRIPT), script);
        }
        Path refused = directory.resolve("refused");
        var command = new ArrayList<>(List.of("python3", script.toString(), "extract"));
        command.add(directory.toString());
        disks.forEach(disk -> command.add(disk.toString()));
        Process process = new ProcessBuilder(command).redirectError(refused.toFile()).start();
        String output;
        try (InputStream from = process.getInputStream()) {
            output = new String(from.readAllBytes(), StandardCharsets.UTF_8);
        }
        String trouble = Files.readString(refused).strip();
        if (process.waitFor() == 0 != trouble.isEmpty()) {
            throw new IllegalStateException("python3 ended without a reason: " + trouble);
        }
        return result(output.lines().toList(), trouble, directory);
    }

    private static Result result(List<String> lines, String refused, Path directory) {
        int groups = 0;
        var volumes = new ArrayList<Volume>();
        for (String line : lines) {
            String[] words = line.split(" ", 7);
            if (words[0].equals("pool")) {
                groups = Integer.parseInt(words[5]);
            } else {
                volumes.add(
                        new Volume(
                                Long.parseLong(words[1]),
                                Long.parseLong(words[2]),
                                words[3].equals("snapshot"),
                                Long.parseLong(words[4]),
                                Integer.parseInt(words[5]),
                                words[6],
                                directory.resolve(words[1])));
            }
        }
        return new Result(refused, groups, volumes);
    }
}
