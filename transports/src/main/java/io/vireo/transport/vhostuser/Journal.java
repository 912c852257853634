package io.vireo.transport.vhostuser;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.regex.Pattern;

/**
 * What happened at an endpoint: counters, the last error, and one line of log for each cause.
 * Thread safe.
 */
final class Journal {
    /** Counters, by the name in lower case that {@code Endpoint.counters()} has them under. */
    enum Counter {
        /** Front ends that connected. */
        SESSIONS,
        /** Messages received. */
        MESSAGES,
        /** Messages that broke a rule and got an error reply. */
        MESSAGES_REFUSED,
        /** Sessions that were ended because of a front end's or a driver's mistake. */
        SESSIONS_DROPPED,
        /** Connections that came while another one was alive. */
        SESSIONS_REJECTED,
        /** Requests that a back end before us left in flight, and that were taken up again. */
        INFLIGHT_RECOVERED,
        /** Queues that broke a rule of VIRTIO. */
        QUEUES_BROKEN,
        /** Regions of memory that the front end could take away from under us. */
        REGIONS_UNSEALED,
        /** Sessions whose memory was taken away. */
        MEMORY_LOST,
        /** Times that a front end had blocked an eventfd so that we hung in it. */
        EVENTFDS_FREED
    }

    private static final Logger LOG = System.getLogger(Journal.class.getPackageName());

    /** What differs between two happenings of one cause. */
    private static final Pattern NUMBER = Pattern.compile("0x[0-9a-f]+|[0-9]+");

    /** Causes remembered at most, however inventive a front end is. */
    private static final int MAX_CAUSES = 1000;

    private final String name;
    private final AtomicLongArray counters = new AtomicLongArray(Counter.values().length);
    private final Set<String> logged = ConcurrentHashMap.newKeySet();
    private volatile String lastError = "";

    Journal(String name) {
        this.name = name;
    }

    void count(Counter counter) {
        add(counter, 1);
    }

    void add(Counter counter, long count) {
        counters.addAndGet(counter.ordinal(), count);
    }

    long value(Counter counter) {
        return counters.get(counter.ordinal());
    }

    /**
     * Notes something that went wrong.
     *
     * @param cause what it has in common with others that are not worth another line; numbers do
     *     not count
     * @param sentence what happened, with its details
     */
    void error(String cause, String sentence) {
        lastError = sentence;
        if (logged.size() < MAX_CAUSES && logged.add(NUMBER.matcher(cause).replaceAll("#"))) {
            LOG.log(Level.WARNING, name + ": " + sentence);
        } else {
            LOG.log(Level.DEBUG, name + ": " + sentence);
        }
    }

    void info(String sentence) {
        LOG.log(Level.DEBUG, name + ": " + sentence);
    }

    String lastError() {
        return lastError;
    }

    Map<String, Long> counters() {
        var all = new TreeMap<String, Long>();
        for (var counter : Counter.values()) {
            all.put(counter.name().toLowerCase(Locale.ROOT), value(counter));
        }
        return all;
    }
}
