package io.vireo.systest;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A stock Debian guest with open-iscsi and dm-multipath. It reaches the host's loopback by two
 * networks of QEMU's, one for each path, so that a cable can be pulled.
 */
final class SanInitiator implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final Guest guest;

    /**
     * Describes it without starting it.
     *
     * @param further options of QEMU's beside memory, disk and network
     */
    SanInitiator(Bed bed, String name, List<String> further) {
        var words = new ArrayList<>(List.of("-m", "512M"));
        for (int path = 0; path < 2; path++) {
            words.add("-netdev");
            words.add("user,id=net%d,net=10.0.%d.0/24".formatted(path, path + 2));
            words.add("-device");
            words.add("virtio-net-pci,netdev=net%d,id=card%d".formatted(path, path));
        }
        words.addAll(further);
        guest = Guest.debian(bed, name, words);
    }

    Guest guest() {
        return guest;
    }

    /** Boots, with both cards up and an initiator that is called so. */
    void start(String initiator) {
        guest.start();
        for (int path = 0; path < 2; path++) {
            guest.output(
                    "ip address add 10.0.%d.15/24 dev eth%d && ip link set eth%d up"
                            .formatted(path + 2, path, path));
        }
        guest.output(
                ("echo InitiatorName=%s >/etc/iscsi/initiatorname.iscsi"
                                + " && systemctl restart iscsid")
                        .formatted(initiator));
    }

    /**
     * Has it give a path up seconds after it was found to be silent, not minutes, as befits one
     * that has another: for the sessions that it logs in to from now on. That a path is silent
     * takes as long to find out as Debian has it: a busy host is silent for seconds, too.
     */
    void givePathsUpEarly() {
        guest.output(
                "sed -i 's/^node.session.timeo.replacement_timeout = .*/node.session.timeo.replacement_timeout = 5/'"
                        + " /etc/iscsi/iscsid.conf");
    }

    /** The address of a portal of the host's loopback, as a path sees it. */
    static String portal(int path, int port) {
        return "10.0.%d.2:%d".formatted(path + 2, port);
    }

    /** Logs in by a portal, whose group is known beforehand. */
    void logIn(String target, String portal, int group) {
        String node = "iscsiadm -m node -T " + target + " -p " + portal;
        guest.output(node + "," + group + " -o new && " + node + " --login");
        guest.output("udevadm settle");
    }

    /** The name that the kernel gave to a LUN by a path, such as {@code sda}. */
    String disk(String portal, int lun) {
        String link = "/dev/disk/by-path/ip-" + portal + "-iscsi-*-lun-" + lun;
        await("test -b " + link);
        return guest.output("basename $(readlink -f " + link + ")");
    }

    /** Waits until a command succeeds. */
    void await(String condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (guest.run(condition, PATIENCE).status() != 0) {
            if (System.nanoTime() > deadline) {
                throw new ScenarioException(
                        "never: %s%n%s"
                                .formatted(
                                        condition,
                                        guest.run(
                                                        "multipath -ll; dmesg | tail -n 30; journalctl -b -n 30",
                                                        PATIENCE)
                                                .output()));
            }
            Processes.pause(200);
        }
    }

    /** Pulls the cable of a path, or puts it in again. */
    void cable(int path, boolean in) {
        try (var monitor = new Qmp(guest.qmpSocket())) {
            monitor.run("set_link", "{\"name\": \"net%d\", \"up\": %s}".formatted(path, in));
        }
    }

    /** Writes a file of the guest. */
    void write(Path file, String text) {
        guest.output("printf '%s' >%s".formatted(text.replace("\n", "\\n"), file));
    }

    @Override
    public void close() {
        guest.close();
    }
}
