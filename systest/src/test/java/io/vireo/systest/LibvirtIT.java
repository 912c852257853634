package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A guest that libvirt starts from the elements that {@code vireo attach --as libvirt} prints. Its
 * QEMU driver runs inside virt-qemu-run: no libvirtd, and nothing outside the bed's folder.
 */
class LibvirtIT {
    private static final int MEMORY_MIB = 512;

    // Everything as root, no confinement, no other daemon.
    private static final String DRIVER =
            """
            user = "root"
            group = "root"
            security_driver = "none"
            namespaces = []
            cgroup_controllers = []
            stdio_handler = "file"
            """;

    // The driver wants the user that libvirt's service package makes. It gets a view of its own of
    // the files that name users.
    private static final String START =
            """
            mount --bind %1$s/passwd /etc/passwd && mount --bind %1$s/group /etc/group
            exec virt-qemu-run -r %1$s/libvirt %1$s/domain.xml
            """;

    @Test
    @Timeout(300)
    void guestUsesWhatAttachPrints() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "libvirt");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(Examples.localCopy(bed));
            String profile = Examples.PROFILES.getFirst();
            try (var guest = guest(bed, daemon.attachLibvirt(profile, MEMORY_MIB))) {
                var server = new Server(guest, profile, "192.0.2.1");
                server.boot();
                Server.Sighting seen = server.look();
                assertThat(new Host.Identity(seen.mac(), seen.serial()))
                        .isEqualTo(daemon.identity(profile));
                server.tryDisk();
                daemon.restart();
                guest.output("umount /mnt");
                server.tryDisk();
            }
        }
    }

    /** A guest of the elements that {@code vireo attach --as libvirt} prints. */
    static Guest guest(Bed bed, String elements) throws IOException {
        Path run = bed.run();
        Files.createDirectories(run.resolve("libvirt/etc"));
        Files.writeString(run.resolve("libvirt/etc/qemu.conf"), DRIVER);
        withEntries("/etc/passwd", run.resolve("passwd"), "libvirt-qemu:x:64055:0::/:/bin/false");
        withEntries("/etc/group", run.resolve("group"), "libvirt-qemu:x:64055:", "kvm:x:64056:");
        Path console = run.resolve("libvirt.console");
        Files.writeString(run.resolve("domain.xml"), domain(bed, elements, console));
        return Guest.startedBy(
                bed,
                "libvirt",
                List.of("unshare", "--mount", "sh", "-c", START.formatted(run)),
                console);
    }

    /** A copy of a file of the host with further entries; the first of a name counts. */
    private static void withEntries(String from, Path to, String... entries) throws IOException {
        Files.copy(Path.of(from), to);
        Files.write(to, List.of(entries), StandardOpenOption.APPEND);
    }

    private static String domain(Bed bed, String elements, Path console) {
        String[] parts = elements.split("\n<devices>\n", 2);
        assertThat(parts).as(elements).hasSize(2);
        return """
        <domain type='%s' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
        <name>libvirt</name>
        %s
        <vcpu>1</vcpu>
        <os>
        <type arch='x86_64' machine='q35'>hvm</type>
        <kernel>%s</kernel><initrd>%s</initrd><cmdline>%s</cmdline>
        </os>
        <features><acpi/></features>
        <cpu mode='maximum'/>
        <on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>
        <devices>
        <emulator>/usr/bin/%s</emulator>
        <serial type='unix'><source mode='bind' path='%s'/></serial>
        <controller type='usb' model='none'/>
        <memballoon model='none'/>
        %s
        %s
        </domain>
        """
                .formatted(
                        bed.emulator().kvm() ? "kvm" : "qemu",
                        parts[0],
                        bed.kernel(),
                        bed.initrd(),
                        Guest.kernelArguments(),
                        Guest.QEMU,
                        console,
                        parts[1],
                        bed.emulator().kvm() ? "" : WITHOUT_MSI_X);
    }

    // QEMU 7.2 without KVM crashes when a vhost-user card uses MSI-X; libvirt has no element for
    // it.
    private static final String WITHOUT_MSI_X =
            "<qemu:override><qemu:device alias='net0'><qemu:frontend>"
                    + "<qemu:property name='vectors' type='unsigned' value='0'/>"
                    + "</qemu:frontend></qemu:device></qemu:override>";
}
