package io.vireo.systest;

import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

/** What presents the guests' devices and is restarted under them. */
public interface Host extends AutoCloseable {
    /** The options with which QEMU takes the devices of a profile, the guest's memory included. */
    List<String> attach(String profile, int memoryMib);

    /** What the guest must see. */
    Identity identity(String profile);

    /** Stops in an orderly way, starts again and returns when it serves. */
    void restart();

    /** Ends by SIGKILL, starts again and returns when it serves. */
    void crash();

    /**
     * As {@link #crash}, and once more when the new process is this old, wherever its start has got
     * to by then.
     */
    void crashWhileStarting(Duration age);

    /**
     * Requests that were under way at the last end and were taken up again since the last start;
     * empty where the host does not count them.
     */
    OptionalLong recoveredRequests();

    @Override
    void close();

    /**
     * The identities of a profile's two devices.
     *
     * @param mac MAC address of the card, in lower case with colons
     * @param serial serial of the disk, at most 20 characters
     */
    record Identity(String mac, String serial) {}
}
