package io.vireo.linux;

import java.util.Objects;

/** Counts what this process holds open, to show that no peer makes it leak descriptors. */
public final class OpenFiles {
    private OpenFiles() {}

    /**
     * Returns the number of open descriptors of this process, the one needed for counting not
     * included.
     */
    public static int count() {
        String[] names = new java.io.File("/proc/self/fd").list();
        return Objects.requireNonNull(names, "/proc is not mounted").length - 1;
    }
}
