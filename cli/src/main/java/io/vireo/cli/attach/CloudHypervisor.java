package io.vireo.cli.attach;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Command line options of Cloud Hypervisor (docs/memory.md, docs/device_model.md). It boots from
 * its first disk.
 */
public record CloudHypervisor() implements Hypervisor {
    @Override
    public String render(Guest guest) {
        if (!guest.hbas().isEmpty()) {
            throw new IllegalArgumentException(
                    "Cloud Hypervisor has no vhost-user SCSI adapters, as "
                            + guest.hbas().getFirst().name()
                            + " is one: attach the disks by vdisks of the profile, or let the guest log in"
                            + " by iSCSI (--as open-iscsi)");
        }
        checkBoot(guest);
        List<String> lines = new ArrayList<>();
        guest.uuid().ifPresent(uuid -> lines.add("--platform uuid=" + uuid));
        lines.add("--memory size=" + guest.memory() + ",shared=on");
        if (!guest.nics().isEmpty()) {
            lines.add("--net");
            guest.nics().forEach(nic -> lines.add(nic(nic)));
        }
        if (!guest.disks().isEmpty()) {
            lines.add("--disk");
            guest.disks().stream()
                    .sorted(
                            Comparator.comparingInt(
                                    disk -> disk.bootOrder().orElse(Integer.MAX_VALUE)))
                    .forEach(disk -> lines.add(disk(disk)));
        }
        return String.join("\n", lines) + "\n";
    }

    /** A card behind the disks may be left out: they are booted from. */
    private static void checkBoot(Guest guest) {
        int disk =
                guest.disks().stream()
                        .mapToInt(each -> each.bootOrder().orElse(Integer.MAX_VALUE))
                        .min()
                        .orElse(Integer.MAX_VALUE);
        guest.nics().stream()
                .filter(nic -> nic.bootOrder().isPresent() && nic.bootOrder().getAsInt() < disk)
                .findFirst()
                .ifPresent(nic -> {
                    throw new IllegalArgumentException(
                            "Cloud Hypervisor does not boot from network cards, as "
                                    + nic.name()
                                    + " is to be booted from first: give a disk an earlier bootOrder, or take"
                                    + " that of the card out");
                });
    }

    private static String nic(Guest.Nic nic) {
        StringBuilder value =
                new StringBuilder(
                        "vhost_user=true,socket=" + path(nic.socket()) + ",mac=" + nic.mac());
        // It counts receive and transmit queues apart.
        value.append(",num_queues=").append(2 * nic.queuePairs());
        if (!nic.vireoListens()) {
            value.append(",vhost_mode=server");
        }
        if (nic.unusualMtu()) {
            value.append(",mtu=").append(nic.mtu());
        }
        return value.toString();
    }

    private static String disk(Guest.Disk disk) {
        if (!disk.vireoListens()) {
            throw new IllegalArgumentException(
                    "Cloud Hypervisor cannot listen for a vhost-user disk; set socketMode: server for "
                            + disk.name());
        }
        return "vhost_user=true,socket=" + path(disk.socket()) + ",num_queues=" + disk.queues();
    }

    private static String path(String socket) {
        if (socket.contains(",")) {
            throw new IllegalArgumentException(
                    "Cloud Hypervisor takes no path with a comma, as in "
                            + socket
                            + "; choose another socketPath");
        }
        return socket;
    }
}
