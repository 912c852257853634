package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Two Debian guests at one logical unit: one by virtio-scsi, one by iSCSI. What one reserves holds
 * for the other, also after the daemon was killed.
 */
@Timeout(1200)
class ReservationsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String MEMORY = "512M";
    private static final String WWPN = "3123456789abcdef";
    private static final String INITIATOR = "iqn.2026-11.io.vireo:guest";
    private static final String CONFLICT = "Reservation Conflict";

    /** WRITE(10) and READ(10) of one block. */
    private static final String WRITE = "sg_raw -s 512 -i /dev/zero DISK 2a 0 0 0 0 0 0 0 1 0";

    private static final String READ = "sg_raw -r 512 -o /dev/null DISK 28 0 0 0 0 0 0 0 1 0";

    @Test
    void reservationsHoldAcrossTransportsAndCrashes() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "reservations");
        try (var san = new San(bed);
                var remote = new SanInitiator(bed, "remote", List.of());
                var local = Guest.debian(bed, "local", options(bed))) {
            san.start();
            san.daemon().apply(san.resources("reservations.yaml"));
            Processes.atOnce(local::start, () -> remote.start(INITIATOR));
            String portal = SanInitiator.portal(0, san.port(0));
            remote.logIn(San.TARGET, portal, 1);
            String far = "/dev/" + remote.disk(portal, 0);
            String near = "/dev/sda";
            hasForItself(local, near);

            persist(local, near, "--register --param-sark=0xa1 --param-aptpl");
            persist(local, near, "--reserve --param-rk=0xa1 --prout-type=5");
            isLocals(remote.guest(), far);
            isKeptOut(remote.guest(), far);
            assertThat(run(local, WRITE, near)).doesNotContain(CONFLICT);

            san.daemon().crash();
            // QEMU 7.2 cannot reconnect a vhost-user-scsi: a new one is the same initiator.
            local.close();
            local.start();
            hasForItself(local, near);
            remote.await("sg_turs " + far + " || sg_turs " + far);
            isLocals(remote.guest(), far);
            isKeptOut(remote.guest(), far);
            assertThat(run(local, WRITE, near)).doesNotContain(CONFLICT);

            persist(remote.guest(), far, "--register --param-sark=0xb2 --param-aptpl");
            persist(
                    remote.guest(),
                    far,
                    "--preempt --param-rk=0xb2 --param-sark=0xa1 --prout-type=5");
            assertThat(run(local, WRITE, near)).contains("Unit Attention");
            isKeptOut(local, near);
            assertThat(run(remote.guest(), WRITE, far)).doesNotContain(CONFLICT);
            assertThat(status(local, near)).contains("Key=0xb2").contains(INITIATOR);
        }
    }

    private static List<String> options(Bed bed) {
        return List.of(
                "-m",
                MEMORY,
                "-object",
                "memory-backend-memfd,id=memory,size=" + MEMORY + ",share=on",
                "-machine",
                "memory-backend=memory",
                "-chardev",
                "socket,id=hba,path=" + bed.run().resolve("runtime/vhba.db1.sock"),
                "-device",
                "vhost-user-scsi-pci,chardev=hba,num_queues=1,vectors=0");
    }

    /**
     * The disk is there, and nobody else in the guest asks it for anything: udev looks at a disk
     * that was open for writing, and a unit attention is told to whoever comes first.
     */
    private static void hasForItself(Guest guest, String disk) {
        guest.output("udevadm settle; test -b " + disk);
        guest.output(
                "systemctl stop multipathd.socket multipathd systemd-udevd-control.socket"
                        + " systemd-udevd-kernel.socket systemd-udevd");
    }

    private static void persist(Guest guest, String disk, String arguments) {
        guest.output(
                "sg_turs %s >/dev/null 2>&1; sg_persist --out %s %s"
                        .formatted(disk, arguments, disk));
    }

    private static String run(Guest guest, String command, String disk) {
        return guest.run(command.replace("DISK", disk), PATIENCE).output();
    }

    private static String status(Guest guest, String disk) {
        return guest.output("sg_persist --in --read-full-status " + disk);
    }

    /** The reservation is the local guest's, whose world wide port name others see. */
    private static void isLocals(Guest guest, String disk) {
        assertThat(status(guest, disk))
                .contains("Key=0xa1")
                .contains("Reservation holder")
                .containsIgnoringCase("Write Exclusive, registrants only")
                .contains("FCP-2")
                .contains(WWPN.substring(0, 2) + " " + WWPN.substring(2, 4));
    }

    private static void isKeptOut(Guest guest, String disk) {
        assertThat(run(guest, READ, disk)).doesNotContain(CONFLICT);
        assertThat(run(guest, WRITE, disk)).contains(CONFLICT);
    }
}
