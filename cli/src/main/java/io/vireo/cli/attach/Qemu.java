package io.vireo.cli.attach;

import java.util.ArrayList;
import java.util.List;

/**
 * Command line options of QEMU (docs/system/devices/vhost-user.rst, qemu-options.hx). Guest memory
 * is a shared memfd, since Vireo maps it.
 *
 * @param major of QEMU's version
 * @param minor of QEMU's version
 * @param tcg whether the guest runs without KVM
 */
public record Qemu(int major, int minor, boolean tcg) implements Hypervisor {
    /** Commands that a driver gives a unit at once if nobody says otherwise. */
    private static final int COMMANDS_PER_LUN = 128;

    @Override
    public String render(Guest guest) {
        List<String> lines = new ArrayList<>();
        guest.uuid().ifPresent(uuid -> lines.add("-uuid " + uuid));
        lines.add("-m " + guest.memory());
        lines.add(
                "-object memory-backend-memfd,id=vireo-memory,size="
                        + guest.memory()
                        + ",share=on");
        // Merged by QEMU with the -machine of the rest of the command line, which names the type.
        lines.add("-machine memory-backend=vireo-memory");
        guest.nics().stream()
                .flatMap(nic -> nic.qmp().stream())
                .distinct()
                .forEach(path -> lines.add("-qmp unix:" + escape(path) + ",server=on,wait=off"));
        guest.nics().forEach(nic -> addNic(nic, lines));
        guest.disks().forEach(disk -> addDisk(disk, lines));
        guest.hbas()
                .forEach(hba ->
                        options(hba)
                                .forEach(
                                        option -> lines.add(option.name() + " " + option.value())));
        return String.join("\n", lines) + "\n";
    }

    private void addNic(Guest.Nic nic, List<String> lines) {
        String id = "vireo-" + nic.name();
        lines.add(chardev(id, nic.socket(), nic.vireoListens()));
        String queues = nic.queuePairs() > 1 ? ",queues=" + nic.queuePairs() : "";
        lines.add("-netdev vhost-user,id=" + id + "-net,chardev=" + id + queues);
        StringBuilder device =
                new StringBuilder("-device virtio-net-pci,netdev=" + id + "-net,mac=" + nic.mac());
        if (nic.unusualMtu()) {
            device.append(",host_mtu=").append(nic.mtu());
        }
        nic.speed().ifPresent(speed -> device.append(",speed=" + speed + ",duplex=full"));
        if (nic.queuePairs() > 1) {
            device.append(",mq=on");
        }
        if (tcg && major < 10) {
            // Older ones crash at DRIVER_OK when vhost-user, MSI-X and TCG meet.
            device.append(",vectors=0");
        } else if (nic.queuePairs() > 1) {
            // One for each queue, one for the control queue, one for configuration changes.
            device.append(",vectors=").append(2 * nic.queuePairs() + 2);
        }
        nic.bootOrder().ifPresent(place -> device.append(",bootindex=").append(place));
        lines.add(device.toString());
    }

    private void addDisk(Guest.Disk disk, List<String> lines) {
        String id = "vireo-" + disk.name();
        lines.add(chardev(id, disk.socket(), disk.vireoListens()));
        String boot =
                disk.bootOrder().isPresent() ? ",bootindex=" + disk.bootOrder().getAsInt() : "";
        // Said, because QEMU 10 makes queues of 1024 by itself but asks for in-flight records of
        // its default, 128.
        lines.add(
                "-device vhost-user-blk-pci,chardev="
                        + id
                        + ",num-queues="
                        + disk.queues()
                        + ",queue-size=1024"
                        + boot);
    }

    /** An option of the command line. */
    record Option(String name, String value) {}

    /**
     * The options of a host bus adapter. A boot index names its LUN 0, whatever it is given for; a
     * boot LUN elsewhere is the first that the firmware finds if nothing has an index.
     */
    List<Option> options(Guest.Hba hba) {
        String id = "vireo-" + hba.name();
        StringBuilder device =
                new StringBuilder(
                        "vhost-user-scsi-pci,chardev=" + id + ",num_queues=" + hba.queues());
        if (hba.queueDepth() < COMMANDS_PER_LUN) {
            device.append(",cmd_per_lun=").append(hba.queueDepth());
        }
        if (tcg && major < 10) {
            device.append(",vectors=0");
        }
        if (hba.bootOrder().isPresent() && hba.bootLun().orElse(0) == 0) {
            device.append(",bootindex=").append(hba.bootOrder().getAsInt());
        }
        return List.of(
                new Option("-chardev", socket(id, hba)), new Option("-device", device.toString()));
    }

    /** Older ones connect such an adapter when it is made, and never again. */
    private String socket(String id, Guest.Hba hba) {
        String head = "socket,id=" + id + ",path=" + escape(hba.socket());
        if (major > 8 || major == 8 && minor >= 2) {
            return head + connection(hba.vireoListens());
        }
        return hba.vireoListens() ? head : head + ",server=on";
    }

    private String chardev(String id, String socket, boolean vireoListens) {
        return "-chardev socket,id=" + id + ",path=" + escape(socket) + connection(vireoListens);
    }

    private String connection(boolean vireoListens) {
        if (!vireoListens) {
            return ",server=on,wait=off";
        }
        return hasReconnectMillis() ? ",reconnect-ms=1000" : ",reconnect=1";
    }

    /** A comma in a value is written twice (QemuOpts). */
    private static String escape(String value) {
        return value.replace(",", ",,");
    }

    /** The option in seconds was replaced in 9.2 and later removed. */
    private boolean hasReconnectMillis() {
        return major > 9 || major == 9 && minor >= 2;
    }
}
