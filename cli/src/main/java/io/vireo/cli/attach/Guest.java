package io.vireo.cli.attach;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A server and the devices of its profile.
 *
 * @param uuid the profile's uid, which becomes the server's SMBIOS UUID; empty for a vHBA by itself
 * @param memoryBytes size of its memory
 */
public record Guest(
        String profile,
        Optional<String> uuid,
        long memoryBytes,
        List<Nic> nics,
        List<Disk> disks,
        List<Hba> hbas) {
    private static final int DEFAULT_MTU = 1500;

    public Guest {
        nics = List.copyOf(nics);
        disks = List.copyOf(disks);
        hbas = List.copyOf(hbas);
    }

    /**
     * A network card.
     *
     * @param speed in Mbit/s that the guest is shown
     * @param qmp where Vireo sends QEMU commands about the card
     * @param bootOrder place in the boot order, for a boot from the network; empty if there is none
     */
    public record Nic(
            String name,
            String socket,
            boolean vireoListens,
            String mac,
            int mtu,
            int queuePairs,
            boolean linkUp,
            OptionalInt speed,
            Optional<String> qmp,
            OptionalInt bootOrder) {
        /** Whether the guest must be told the MTU, as it is not what Ethernet drivers assume. */
        public boolean unusualMtu() {
            return mtu != DEFAULT_MTU;
        }
    }

    /** A disk. */
    public record Disk(
            String name, String socket, boolean vireoListens, int queues, OptionalInt bootOrder) {}

    /**
     * A virtual host bus adapter.
     *
     * @param queueDepth commands that are carried out at once
     * @param bootLun the logical unit that it boots from
     * @param bootOrder place of that in the boot order; empty if there is none
     */
    public record Hba(
            String name,
            String socket,
            boolean vireoListens,
            int queues,
            int queueDepth,
            OptionalInt bootLun,
            OptionalInt bootOrder) {}

    /** The memory in MiB, rounded up, with its suffix. */
    String memory() {
        return ((memoryBytes + (1 << 20) - 1) >> 20) + "M";
    }
}
