package io.vireo.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Where a command prints to. It remembers why something could not be written, if so. */
final class Output extends PrintWriter {
    /** What the kernel says where the reader of a pipe has gone (EPIPE). */
    private static final String NO_READER = "Broken pipe";

    private final Target target;

    Output(OutputStream target) {
        this(new Target(target));
    }

    private Output(Target target) {
        super(target, true, StandardCharsets.UTF_8);
        this.target = target;
    }

    /** Why not all was written; empty if it was, or if its reader has seen enough. */
    Optional<String> failure() {
        flush();
        return target.failure.filter(why -> !why.equals(NO_READER));
    }

    private static final class Target extends FilterOutputStream {
        private Optional<String> failure = Optional.empty();

        Target(OutputStream target) {
            super(target);
        }

        @Override
        public void write(byte[] bytes, int from, int count) throws IOException {
            try {
                out.write(bytes, from, count);
            } catch (IOException e) {
                failure = Optional.of(String.valueOf(e.getMessage()));
                throw e;
            }
        }
    }
}
