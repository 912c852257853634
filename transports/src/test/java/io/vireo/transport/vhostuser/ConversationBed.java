package io.vireo.transport.vhostuser;

import io.vireo.testkit.DriverMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A transport and the memory of one guest, for each test. */
abstract class ConversationBed {
    protected static final long MEMORY = 1 << 20;

    protected TestBed bed;
    protected DriverMemory memory;

    @SuppressWarnings("NullAway.Init") // set by open, before each test
    ConversationBed() {}

    @BeforeEach
    void open() {
        bed = new TestBed();
        memory = new DriverMemory(MEMORY);
    }

    @AfterEach
    void close() {
        bed.close();
        memory.close();
    }
}
