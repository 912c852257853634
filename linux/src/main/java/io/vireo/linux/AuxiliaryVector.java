package io.vireo.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel tells a process at its start, /proc/self/auxv. */
final class AuxiliaryVector {
    private AuxiliaryVector() {}

    static long pageSize() {
        try {
            ByteBuffer vector =
                    ByteBuffer.wrap(Files.readAllBytes(Path.of("/proc/self/auxv")))
                            .order(ByteOrder.nativeOrder());
            while (vector.remaining() >= 16) {
                long type = vector.getLong();
                long value = vector.getLong();
                if (type == Constants.AT_PAGESZ) {
                    return value;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("/proc is needed", e);
        }
        throw new IllegalStateException("no AT_PAGESZ in /proc/self/auxv");
    }
}
