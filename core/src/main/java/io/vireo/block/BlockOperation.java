package io.vireo.block;

/** What a {@link BlockRequest} asks for. */
public enum BlockOperation {
    /** Fill the data ranges from {@code offset}. */
    READ,
    /** Store the data ranges at {@code offset}. */
    WRITE,
    /**
     * Make durable every write that was completed before this request was submitted, on any channel
     * of the device.
     */
    FLUSH,
    /** The range is not needed any more: later reads give zeroes or the device's own old bytes. */
    DISCARD,
    /** Later reads of the range give zeroes. */
    WRITE_ZEROES,
    /**
     * The range is going to be written: room for it is set aside, so that the first write does not
     * have to look for it. What it holds stays, whatever else is under way; only a hint.
     */
    ALLOCATE
}
