package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.HostShell;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What tshark says of the frames of one sender in a capture, all checksums validated. */
record Verdict(Path capture, String sender) {
    private static final String CHECKS =
            " -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE";

    /** A segment: sequence number and payload. */
    private record Segment(int sequence, int length) {}

    /**
     * Every checksum is right, no frame is above the MTU, and each stream has all of its bytes.
     *
     * @param streams of TCP that there are at least
     * @param bytes of each
     */
    void check(int streams, int bytes) {
        assertThat(frames("ip.checksum.status == 0 || tcp.checksum.status == 0")).isEmpty();
        assertThat(frames("udp.checksum.status == 0 && !(ip.flags.mf == 1 || ip.frag_offset > 0)"))
                .isEmpty();
        // Judged, and not only not found to be wrong.
        assertThat(frames("tcp && tcp.checksum.status != 1")).isEmpty();
        assertThat(frames("frame.len > 1522 || !vlan && frame.len > 1514")).isEmpty();
        assertThat(frames("tcp.len > 1300")).hasSizeGreaterThan(streams);
        var all = streams();
        assertThat(all).hasSizeGreaterThanOrEqualTo(streams);
        all.values().forEach(segments -> assertWhole(segments, bytes));
    }

    /** Bytes of datagrams with a right checksum that each destination was sent. */
    Map<String, Integer> datagrams() {
        var bytes = new HashMap<String, Integer>();
        var datagram = "udp.dstport == 6001 && udp.checksum.status == 1";
        for (var line : fields(datagram, "ip.dst", "ipv6.dst", "udp.length")) {
            int end = line.lastIndexOf(',');
            var to = line.substring(0, end).replace(",", "");
            bytes.merge(to, Integer.parseInt(line.substring(end + 1)) - 8, Integer::sum);
        }
        return bytes;
    }

    private Map<String, List<Segment>> streams() {
        var streams = new HashMap<String, List<Segment>>();
        for (var line : fields("tcp.len > 0", "tcp.stream", "tcp.seq_raw", "tcp.len")) {
            var words = line.split(",");
            var segment =
                    new Segment(Integer.parseUnsignedInt(words[1]), Integer.parseInt(words[2]));
            streams.computeIfAbsent(words[0], _ -> new ArrayList<>()).add(segment);
        }
        return streams;
    }

    private static void assertWhole(List<Segment> segments, int bytes) {
        int start = segments.getFirst().sequence;
        var sorted = new ArrayList<>(segments);
        sorted.sort(Comparator.comparingInt(segment -> segment.sequence - start));
        int end = 0;
        for (var segment : sorted) {
            int from = segment.sequence - start;
            assertThat(from).as("a hole at byte " + end).isLessThanOrEqualTo(end);
            end = Math.max(end, from + segment.length);
        }
        assertThat(end).isEqualTo(bytes);
    }

    private List<String> frames(String condition) {
        return fields(condition, "frame.number");
    }

    private List<String> fields(String condition, String... names) {
        var command = new StringBuilder("tshark -n -r " + capture + CHECKS + " -Y '");
        command.append(sender).append(" && (").append(condition).append(")' -T fields");
        command.append(" -E separator=, 2>/dev/null");
        for (var name : names) {
            command.append(" -e ").append(name);
        }
        return HostShell.run(command.toString()).lines().filter(line -> !line.isEmpty()).toList();
    }
}
