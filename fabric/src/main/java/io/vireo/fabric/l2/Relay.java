package io.vireo.fabric.l2;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.memory.NativeMemory;
import io.vireo.net.DropReason;
import io.vireo.net.FrameBatch;
import org.jspecify.annotations.Nullable;

/**
 * Decides by which ports each frame leaves (IEEE 802.1Q, 8.6): learns where it came from, looks up
 * where it goes to, floods what is not known.
 */
final class Relay {
    private static final long MAC_MASK = 0xFFFF_FFFF_FFFFL;
    private static final int GROUP_BIT = 1;

    /** No station: not its VLAN, not its address. */
    private static final long NOBODY = -1;

    // 01-80-C2-00-00-0x: for the bridge itself, never forwarded (IEEE 802.1Q, table 8-1). Octets
    // little-endian.
    private static final long RESERVED = 0x0000_00C2_8001L;
    private static final long RESERVED_MASK = 0xF0FF_FFFF_FFFFL;

    private final Pass pass;
    private final FrameBatch batch;
    private final Classifier classifier;
    private final Stations stations;
    private final NeighborWatch watch;
    private final Departures departures;
    private BridgePort[] ports = new BridgePort[0];
    private @Nullable Snooping snooping;

    /** What {@link #fetch} read, so that the compiler keeps it. */
    long fetched;

    Relay(
            Pass pass,
            Classifier classifier,
            Stations stations,
            Headers headers,
            Departures departures) {
        this.pass = pass;
        this.batch = pass.batch;
        this.classifier = classifier;
        this.stations = stations;
        this.watch = new NeighborWatch(stations.neighbors(), headers);
        this.departures = departures;
    }

    /** Takes note of the ports, and of what knows who asked for which group. */
    void ports(BridgePort[] all, @Nullable Snooping groups) {
        ports = all;
        snooping = groups;
    }

    /**
     * Learns and looks up: puts each of {@code frames[begin..end)} into the list of the port that
     * it leaves by.
     *
     * @param classified whether the VLANs are known already
     */
    void forward(BridgePort in, int[] frames, int begin, int end, boolean classified) {
        boolean fetches = end - begin > 1 && stations.table().isLarge();
        if (fetches) {
            fetch(in, frames, begin, end, classified);
        }
        relay(in, frames, begin, end, classified || fetches);
    }

    /**
     * Finds the VLANs, and touches where the table has the stations of each frame. Looked up one
     * after the other they are waited for, each, since what is there decides how to go on; touched
     * in a row they come over together.
     */
    private void fetch(BridgePort in, int[] frames, int begin, int end, boolean classified) {
        MacTable table = stations.table();
        long seen = 0;
        for (int k = begin; k < end; k++) {
            int i = frames[k];
            long header = batch.header(i);
            long first = NativeMemory.getLong(header);
            long second = NativeMemory.getLong(header + Long.BYTES);
            if (!classified) {
                pass.vlan[i] = classifier.classify(in, i, second);
            }
            seen += table.touch(Stations.of(source(first, second), pass.vlan[i]));
            seen += table.touch(Stations.of(first & MAC_MASK, pass.vlan[i]));
        }
        fetched = seen;
    }

    private void relay(BridgePort in, int[] frames, int begin, int end, boolean classified) {
        int now = pass.seconds;
        long lastStation = NOBODY;
        long lastDestination = NOBODY;
        BridgePort lastEgress = in;
        for (int k = begin; k < end; k++) {
            int i = frames[k];
            long header = batch.header(i);
            long first = NativeMemory.getLong(header);
            long second = NativeMemory.getLong(header + Long.BYTES);
            int vid = classified ? pass.vlan[i] : classifier.classify(in, i, second);
            if (vid < 0) {
                continue;
            }
            long from = source(first, second);
            long station = Stations.of(from, vid);
            if (station != lastStation) {
                var refused = stations.enter(in, from, vid, now);
                if (refused != null) {
                    in.dropReceived(refused, 1);
                    continue;
                }
                lastStation = station;
                if (stations.changed()) {
                    lastDestination = NOBODY;
                }
            }
            if (NeighborWatch.isWorthIt(header, second, pass.tagged[i])) {
                watch.look(in, i, pass.tagged[i], station);
            }
            long to = first & MAC_MASK;
            if ((to & GROUP_BIT) != 0) {
                flood(in, i, vid, to);
                continue;
            }
            long destination = Stations.of(to, vid);
            if (destination != lastDestination) {
                var out = stations.locate(to, vid, now);
                if (out == null) {
                    flood(in, i, vid, to);
                    continue;
                }
                lastDestination = destination;
                lastEgress = out;
            }
            unicast(in, lastEgress, i);
        }
    }

    /** The source address, by the first and the second eight bytes of a frame. */
    private static long source(long first, long second) {
        return (first >>> 48 | second << 16) & MAC_MASK;
    }

    private void unicast(BridgePort in, BridgePort out, int i) {
        if (out == in || PrivateVlan.separates(in.segment, out.segment)) {
            boolean isolated = out != in && PrivateVlan.isPrivate(in.segment);
            in.dropReceived(isolated ? DropReason.ISOLATED : DropReason.FILTERED, 1);
        } else {
            departures.add(out, i);
        }
    }

    private void flood(BridgePort in, int i, int vid, long to) {
        if (isReserved(to)) {
            in.dropReceived(DropReason.FILTERED, 1);
            return;
        }
        var storm = in.policy.storm();
        if (storm != null) {
            var refused = storm.refuses(to, pass.nanos);
            if (refused != null) {
                in.dropReceived(refused, 1);
                return;
            }
        }
        var groups = snooping;
        if (groups != null && groups.limits(pass, i, to)) {
            multicast(in, i, vid, groups);
            return;
        }
        in.count(BridgePort.FLOODED, 1);
        for (var out : ports) {
            if (out != in
                    && !PrivateVlan.separates(in.segment, out.segment)
                    && out.reach.carries(vid)) {
                departures.add(out, i);
            }
        }
    }

    /** Whether an address, octets little-endian, more bits behind it, is for the bridge itself. */
    static boolean isReserved(long to) {
        return (to & RESERVED_MASK) == RESERVED;
    }

    /** Sends a frame to those who asked for its group. */
    private void multicast(BridgePort in, int i, int vid, Snooping groups) {
        boolean sent = false;
        for (var out : ports) {
            if (out != in
                    && groups.reaches(out.slot, pass.seconds)
                    && !PrivateVlan.separates(in.segment, out.segment)
                    && out.reach.carries(vid)) {
                departures.add(out, i);
                sent = true;
            }
        }
        if (!sent) {
            in.dropReceived(DropReason.FILTERED, 1);
        }
    }
}
