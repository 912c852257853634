package io.vireo.bench;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.Mapping;
import io.vireo.linux.Memfd;

/**
 * A file of memory that stands for the guest's, mapped here at {@link #address}; guest addresses
 * count from 0.
 */
record DriverMemory(Fd fd, Mapping mapping) implements AutoCloseable {
    /** Shows in the back end's memory maps, which is how guest memory is told from its own. */
    static final String NAME = "vireo-bench-guest";

    static DriverMemory create(long size) throws ErrnoException {
        var fd = Memfd.create(NAME, size, Memfd.MFD_ALLOW_SEALING);
        return new DriverMemory(
                fd, Mapping.map(fd, 0, size, Mapping.PROT_READ | Mapping.PROT_WRITE, true));
    }

    long size() {
        return mapping.length();
    }

    long address(long guestAddress) {
        return mapping.address() + guestAddress;
    }

    @Override
    public void close() {
        mapping.close();
        fd.close();
    }
}
