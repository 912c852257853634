package io.vireo.cli.attach;

import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;

/**
 * Elements of libvirt's domain XML (formatdomain: memory backing, vhost-user interface, vhost-user
 * disk; drvqemu: pass-through of arguments, for what libvirt has no element).
 *
 * @param qemu what it runs
 */
public record Libvirt(Qemu qemu) implements Hypervisor {
    @Override
    public String render(Guest guest) {
        StringBuilder xml = new StringBuilder();
        xml.append("<!-- Put these into the <domain>; <devices> into the one that is there. -->\n");
        guest.uuid().ifPresent(uuid -> xml.append("<uuid>").append(uuid).append("</uuid>\n"));
        xml.append("<memory unit='KiB'>")
                .append((guest.memoryBytes() + 1023) / 1024)
                .append("</memory>\n");
        xml.append(
                "<memoryBacking>\n  <source type='memfd'/>\n  <access mode='shared'/>\n</memoryBacking>\n");
        xml.append("<devices>\n");
        guest.nics().forEach(nic -> addNic(nic, xml));
        List<Guest.Disk> disks =
                guest.disks().stream()
                        .sorted(
                                Comparator.comparingInt(
                                        disk -> disk.bootOrder().orElse(Integer.MAX_VALUE)))
                        .toList();
        for (int i = 0; i < disks.size(); i++) {
            addDisk(disks.get(i), target(i), xml);
        }
        xml.append("</devices>\n");
        if (!guest.hbas().isEmpty()) {
            addHbas(guest.hbas(), xml);
        }
        return xml.toString();
    }

    private void addHbas(List<Guest.Hba> hbas, StringBuilder xml) {
        xml.append(
                "<!-- libvirt has no element for vhost-user SCSI adapters. This one is of the <domain>, too,"
                        + " which needs\n     xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'. -->\n");
        xml.append("<qemu:commandline>\n");
        for (Guest.Hba hba : hbas) {
            for (Qemu.Option option : qemu.options(hba)) {
                addArgument(option.name(), xml);
                addArgument(option.value(), xml);
            }
        }
        xml.append("</qemu:commandline>\n");
    }

    private static void addArgument(String value, StringBuilder xml) {
        xml.append("  <qemu:arg value='").append(escape(value)).append("'/>\n");
    }

    private static void addNic(Guest.Nic nic, StringBuilder xml) {
        xml.append("  <interface type='vhostuser'>\n");
        xml.append("    <mac address='").append(nic.mac()).append("'/>\n");
        xml.append("    <source type='unix' path='").append(escape(nic.socket()));
        if (nic.vireoListens()) {
            xml.append(
                    "' mode='client'>\n      <reconnect enabled='yes' timeout='1'/>\n    </source>\n");
        } else {
            xml.append("' mode='server'/>\n");
        }
        xml.append("    <model type='virtio'/>\n");
        if (nic.queuePairs() > 1) {
            xml.append("    <driver queues='").append(nic.queuePairs()).append("'/>\n");
        }
        if (nic.unusualMtu()) {
            xml.append("    <mtu size='").append(nic.mtu()).append("'/>\n");
        }
        if (!nic.linkUp()) {
            xml.append("    <link state='down'/>\n");
        }
        addBoot(nic.bootOrder(), xml);
        xml.append("  </interface>\n");
    }

    private static void addDisk(Guest.Disk disk, String target, StringBuilder xml) {
        if (!disk.vireoListens()) {
            throw new IllegalArgumentException(
                    "libvirt cannot listen for a vhost-user disk; set socketMode: server for "
                            + disk.name());
        }
        xml.append("  <disk type='vhostuser' device='disk'>\n");
        xml.append("    <driver name='qemu' type='raw' queues='")
                .append(disk.queues())
                .append("' queue_size='1024'/>\n");
        xml.append("    <source type='unix' path='").append(escape(disk.socket())).append("'>\n");
        xml.append("      <reconnect enabled='yes' timeout='1'/>\n    </source>\n");
        xml.append("    <target dev='").append(target).append("' bus='virtio'/>\n");
        addBoot(disk.bootOrder(), xml);
        xml.append("  </disk>\n");
    }

    private static void addBoot(OptionalInt place, StringBuilder xml) {
        place.ifPresent(order -> xml.append("    <boot order='").append(order).append("'/>\n"));
    }

    /** vda ... vdz, vdaa, vdab ... as the kernel counts disks. */
    static String target(int index) {
        StringBuilder letters = new StringBuilder();
        for (int rest = index; rest >= 0; rest = rest / 26 - 1) {
            letters.insert(0, (char) ('a' + rest % 26));
        }
        return "vd" + letters;
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("'", "&apos;").replace("<", "&lt;");
    }
}
