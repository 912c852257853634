package io.vireo.bench;

import io.vireo.testkit.DriverMemory;

/**
 * Where the requests of a polling driver lie, and their data. They are as dense as those of an
 * operating system, and buffers are not a power of two apart: with pages between requests, all of
 * them would share a few sets of each cache, on both cores.
 */
final class RequestSlots implements AutoCloseable {
    /** Requests at most. */
    static final int COUNT = 32;

    /** Bytes of data of a request at most. */
    static final int MAX_DATA = 128 * 1024;

    private static final int REQUEST = 576;
    private static final int LINE = 64;
    private static final int PAGE = 4096;
    private static final int DATA = MAX_DATA + PAGE;

    /** More than a ring takes up. */
    private static final int RING_BYTES = 16 * 1024;

    private final DriverMemory memory =
            new DriverMemory(RING_BYTES + COUNT * REQUEST / PAGE * PAGE + PAGE + COUNT * DATA);
    private long requests;
    private long data;
    private long host;

    /** The memory; a ring is allocated before {@link #place}. */
    DriverMemory memory() {
        return memory;
    }

    /** Takes what is left after the ring. */
    void place() {
        requests = memory.allocate((long) COUNT * REQUEST, LINE);
        data = memory.allocate((long) COUNT * DATA, PAGE);
        host = memory.host(requests);
    }

    /** Guest address of a request's own bytes: header, status, table. */
    long request(int slot) {
        return requests + (long) slot * REQUEST;
    }

    /** The same as a native address. */
    long host(int slot) {
        return host + (long) slot * REQUEST;
    }

    /** Guest address of a request's data. */
    long data(int slot) {
        return data + (long) slot * DATA;
    }

    @Override
    public void close() {
        memory.close();
    }
}
