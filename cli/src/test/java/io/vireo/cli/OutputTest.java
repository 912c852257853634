package io.vireo.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What becomes of a command whose output goes nowhere. */
final class OutputTest extends CliBed {
    private int vireo(OutputStream target, String... arguments) {
        List<String> all = new ArrayList<>(Arrays.asList(arguments));
        all.addAll(List.of("--socket", directory.resolve("api.sock").toString()));
        var failed = new StringWriter();
        int code =
                VireoCli.run(
                        new Output(target), new PrintWriter(failed), all.toArray(String[]::new));
        err = failed.toString();
        return code;
    }

    @Test
    void outputThatIsLostIsAFailure() throws IOException {
        applyAll();
        try (var full = new FileOutputStream("/dev/full")) {
            assertThat(vireo(full, "get", "vdisks")).isEqualTo(1);
        }
        assertThat(err)
                .isEqualTo(
                        "vireo: not all of the output could be written: No space left on device;"
                                + " what was asked for is done\n");
    }

    /** As {@code head -1} does; the commands would go on for ever. */
    @Test
    void aReaderThatHasSeenEnoughEndsTheCommand() {
        applyAll();
        for (String[] command :
                List.of(
                        new String[] {"get", "vdisks", "-w"},
                        new String[] {"get", "vdisks"},
                        new String[] {"events", "-f"})) {
            assertThat(vireo(new Closed(), command)).as(err).isZero();
            assertThat(err).isEmpty();
        }
    }

    private static final class Closed extends OutputStream {
        @Override
        public void write(int octet) throws IOException {
            throw new IOException("Broken pipe");
        }
    }
}
