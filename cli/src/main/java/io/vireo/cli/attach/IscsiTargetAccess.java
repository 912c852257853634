package io.vireo.cli.attach;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How a target is reached.
 *
 * @param target iSCSI name
 * @param initiators names that may log in, {@code *} for any
 * @param portals where it is
 * @param bootLun the logical unit to boot from
 */
public record IscsiTargetAccess(
        String target,
        List<String> initiators,
        List<Portal> portals,
        Optional<Chap> chap,
        OptionalInt bootLun) {
    public IscsiTargetAccess {
        initiators = List.copyOf(initiators);
        portals = List.copyOf(portals);
    }

    /**
     * An address of a target.
     *
     * @param address IPv6 addresses in brackets
     * @param group target portal group tag
     */
    public record Portal(String address, int port, int group) {}

    /** What CHAP asks for; secrets by the names of their files. */
    public record Chap(
            String user,
            String secret,
            Optional<String> targetUser,
            Optional<String> targetSecret) {}

    /** Whether an initiator needs none of certain names. */
    boolean admitsAnybody() {
        return initiators.contains("*");
    }
}
