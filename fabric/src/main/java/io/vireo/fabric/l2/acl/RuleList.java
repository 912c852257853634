package io.vireo.fabric.l2.acl;

import io.vireo.net.AccessList;
import io.vireo.resource.spec.AclSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * The rules of an Acl resource as they are now, and how often they matched at all ports together.
 * Thread safe.
 */
public final class RuleList implements AccessList {
    /**
     * A state of the list. Counters start anew with each.
     *
     * @param spec the rules
     * @param users counters of the ports that use it now
     * @param gone sums of the counters of ports that do so no more
     */
    private record Version(AclSpec spec, List<RuleCounters> users, long[] gone) {
        Version(AclSpec spec) {
            this(spec, new ArrayList<>(), new long[spec.rules().size() + 1]);
        }
    }

    private volatile Version version;

    RuleList(AclSpec spec) {
        this.version = new Version(spec);
    }

    /** Puts other rules into force, at all ports with their next frames. */
    void change(AclSpec spec) {
        version = new Version(spec);
    }

    /** The rules; another object after each change. */
    AclSpec spec() {
        return version.spec();
    }

    /** Counters for a port that takes up the rules {@code spec}. */
    RuleCounters open(AclSpec spec) {
        var counters = new RuleCounters(spec.rules().size());
        var now = version;
        if (now.spec() == spec) {
            synchronized (now.users()) {
                now.users().add(counters);
            }
        }
        return counters;
    }

    /** Ends the use of counters: they change no more. */
    void close(RuleCounters counters) {
        var now = version;
        synchronized (now.users()) {
            if (now.users().remove(counters)) {
                counters.addTo(now.gone());
            }
        }
    }

    /** Matches of each rule since it was put into force, the default last. */
    long[] matches() {
        var now = version;
        synchronized (now.users()) {
            var sums = now.gone().clone();
            now.users().forEach(counters -> counters.addTo(sums));
            return sums;
        }
    }
}
