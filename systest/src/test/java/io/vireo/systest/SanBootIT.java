package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guests without any disk of their own boot Debian from a LUN of a vHBA, by the firmware alone. */
@Timeout(1200)
class SanBootIT {
    private static final String MEMORY = "512M";

    @Test
    void seaBiosBootsFromVirtioScsi() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "sanboot");
        try (var san = new San(bed)) {
            image(bed, "");
            san.start();
            san.daemon()
                    .apply(
                            san.resources(
                                    "sanboot.yaml",
                                    "LUNS",
                                    "- {lun: 0, vdisk: data}\n    - {lun: 5, vdisk: root, boot: true}"));
            var options = new ArrayList<>(List.of("-m", MEMORY));
            options.add("-object");
            options.add("memory-backend-memfd,id=memory,size=" + MEMORY + ",share=on");
            options.addAll(List.of("-machine", "memory-backend=memory"));
            Path socket = bed.run().resolve("runtime/vhba.db1.sock");
            options.addAll(List.of("-chardev", "socket,id=hba,path=" + socket));
            options.add("-device");
            options.add("vhost-user-scsi-pci,chardev=hba,num_queues=1,vectors=0");
            bootsTwice(bed, san, options, ":5");
        }
    }

    @Test
    void ipxeBootsByIscsi() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "ipxe");
        try (var san = new San(bed)) {
            image(bed, "iscsi_auto");
            san.start();
            san.daemon()
                    .apply(
                            san.resources(
                                    "sanboot.yaml",
                                    "LUNS",
                                    "- {lun: 0, vdisk: data}\n    - {lun: 3, vdisk: root, boot: true}"));
            Path tftp = Files.createDirectories(bed.run().resolve("tftp"));
            Files.writeString(
                    tftp.resolve("boot.ipxe"),
                    """
                    #!ipxe
                    set initiator-iqn iqn.2026-11.io.vireo:guest
                    sanboot iscsi:10.0.2.2::%d:3:%s
                    """
                            .formatted(san.port(0), San.TARGET));
            var options = new ArrayList<>(List.of("-m", MEMORY));
            options.add("-netdev");
            options.add("user,id=net,tftp=" + tftp + ",bootfile=boot.ipxe");
            options.addAll(List.of("-device", "virtio-net-pci,netdev=net,bootindex=1"));
            bootsTwice(bed, san, options, ":3");
        }
    }

    /** What it writes is there after a shutdown, and after the daemon was started anew. */
    private static void bootsTwice(Bed bed, San san, List<String> options, String address) {
        try (var guest = Guest.fromFirmware(bed, "guest", options)) {
            guest.start();
            hasItsRootOn(guest, address);
            guest.output("dd if=/dev/urandom of=/root/proof bs=1M count=16 conv=fsync 2>&1");
            String proof = guest.output("sha256sum </root/proof");
            guest.shutDown();
            san.daemon().restart();
            guest.start();
            hasItsRootOn(guest, address);
            assertThat(guest.output("sha256sum </root/proof")).isEqualTo(proof);
            assertThat(guest.output("dmesg | grep -cE 'EXT4-fs error|Buffer I/O error'; true"))
                    .isEqualTo("0");
            guest.shutDown();
        }
    }

    private static void hasItsRootOn(Guest guest, String address) {
        String disk = guest.output("basename $(findmnt -n -o SOURCE /)");
        assertThat(disk).startsWith("sd");
        assertThat(guest.output("readlink -f /sys/block/" + disk + "/device")).endsWith(address);
        assertThat(guest.output("cat /sys/block/" + disk + "/device/vendor").strip())
                .isEqualTo("VIREO");
        assertThat(guest.output("ls /sys/block | grep -cv '^\\(sd\\|loop\\|ram\\|dm-\\)'; true"))
                .isEqualTo("0");
    }

    /** The image to import, whose kernel is given one more word. */
    private static void image(Bed bed, String word) throws IOException {
        Path images = Files.createDirectories(bed.run().resolve("state/images"));
        Path image = images.resolve("debian.raw");
        Processes.run("cp", "--sparse=always", bed.debian("disk.raw").toString(), image.toString());
        if (word.isEmpty()) {
            return;
        }
        Path menu = bed.run().resolve("extlinux.conf");
        String text = Files.readString(bed.repository().resolve("systest/debian/extlinux.conf"));
        Files.writeString(menu, text.replace("APPEND ", "APPEND " + word + " "));
        Processes.run("debugfs", "-w", "-R", "rm /boot/extlinux/extlinux.conf", image.toString());
        Processes.run(
                "debugfs",
                "-w",
                "-R",
                "write " + menu + " /boot/extlinux/extlinux.conf",
                image.toString());
    }
}
