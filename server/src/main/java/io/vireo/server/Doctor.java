package io.vireo.server;

import io.vireo.linux.AesXts;
import io.vireo.linux.Bpf;
import io.vireo.linux.Credentials;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.IoUring;
import io.vireo.linux.Memfd;
import io.vireo.linux.PacketSocket;
import io.vireo.linux.Rlimit;
import io.vireo.linux.XdpSocket;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code vireo doctor}: checks whether this host can run Vireo, and says what to do where it
 * cannot.
 */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Checks this host for what the daemon needs, and says what to do about what is missing.",
            "Exit code: 0 if nothing is broken, 1 otherwise. Takes the same options as serve."
        })
final class Doctor implements Callable<Integer> {
    private static final long DESCRIPTORS_WANTED = 8192;

    /** The interface that every network namespace has. */
    private static final int LOOPBACK = 1;

    @Mixin private ServerConfig config = new ServerConfig();

    @Spec private CommandSpec command = CommandSpec.create();

    enum Grade {
        OK("ok"),
        WARNING("warning"),
        BROKEN("BROKEN");

        final String shown;

        Grade(String shown) {
            this.shown = shown;
        }
    }

    record Finding(Grade grade, String what, String fact, String remedy) {}

    @Override
    public Integer call() {
        var findings =
                List.of(
                        kernel(),
                        java(),
                        memfd(),
                        ioUring(),
                        encryption(AesXts.isAvailable()),
                        descriptors(),
                        tun(),
                        packetSockets(),
                        xdp(),
                        directory("runtime directory", config.runtimeDir),
                        directory("state directory", config.stateDir),
                        sharedMemory(),
                        kvm(),
                        qemu(),
                        cpus());
        print(findings, command.commandLine().getOut());
        boolean broken = findings.stream().anyMatch(f -> f.grade == Grade.BROKEN);
        return broken ? 1 : 0;
    }

    private static void print(List<Finding> findings, PrintWriter out) {
        int width = findings.stream().mapToInt(f -> f.what.length()).max().orElse(0);
        for (var finding : findings) {
            out.printf(
                    "%-8s %-" + width + "s  %s%n", finding.grade.shown, finding.what, finding.fact);
            if (!finding.remedy.isEmpty()) {
                out.printf("%-8s %-" + width + "s  -> %s%n", "", "", finding.remedy);
            }
        }
        long broken = findings.stream().filter(f -> f.grade == Grade.BROKEN).count();
        long warnings = findings.stream().filter(f -> f.grade == Grade.WARNING).count();
        out.println();
        out.println(
                broken > 0
                        ? broken + " broken, " + warnings + " warnings: mend what is broken first"
                        : warnings > 0
                                ? "This host can run Vireo; " + warnings + " warnings"
                                : "This host can run Vireo");
        out.flush();
    }

    private static Finding kernel() {
        var release = System.getProperty("os.version", "?");
        var parts = release.split("[.-]", 3);
        boolean recent =
                parts.length > 1
                        && Integer.parseInt(parts[0]) * 100 + Integer.parseInt(parts[1]) >= 510;
        return recent
                ? new Finding(Grade.OK, "kernel", release, "")
                : new Finding(Grade.BROKEN, "kernel", release, "use Linux 5.10 or newer");
    }

    private static Finding java() {
        return new Finding(Grade.OK, "java", Runtime.version().toString(), "");
    }

    private static Finding memfd() {
        try (var fd =
                Memfd.create("vireo-doctor", 4096, Memfd.MFD_CLOEXEC | Memfd.MFD_ALLOW_SEALING)) {
            Memfd.addSeals(fd, Memfd.F_SEAL_SHRINK);
            return new Finding(Grade.OK, "memfd", "works, and can be sealed", "");
        } catch (ErrnoException e) {
            return new Finding(
                    Grade.BROKEN,
                    "memfd",
                    Messages.of(e),
                    "allow memfd_create and fcntl(F_ADD_SEALS) in the container's seccomp profile");
        }
    }

    private static Finding ioUring() {
        return IoUring.unavailableReason()
                .map(reason ->
                        new Finding(
                                Grade.WARNING,
                                "io_uring",
                                reason,
                                "disks will use the slower file back end; to allow it: sysctl"
                                        + " kernel.io_uring_disabled=0, and io_uring_setup/enter/register"
                                        + " in the container's seccomp profile"))
                .orElseGet(() -> new Finding(Grade.OK, "io_uring", "works", ""));
    }

    static Finding encryption(boolean available) {
        return available
                ? new Finding(Grade.OK, "libcrypto", "encrypts vDisks", "")
                : new Finding(
                        Grade.WARNING,
                        "libcrypto",
                        "libcrypto.so.3 of OpenSSL is not there",
                        "pools cannot encrypt, and encrypted vDisks are not ready: install OpenSSL 3, in Debian and"
                                + " Ubuntu the package libssl3, in Fedora and its kin openssl-libs");
    }

    private static Finding descriptors() {
        try {
            long hard = Rlimit.of(Rlimit.RLIMIT_NOFILE).hard();
            boolean enough = hard == Rlimit.INFINITY || hard >= DESCRIPTORS_WANTED;
            var fact = (hard == Rlimit.INFINITY ? "unlimited" : hard) + " (hard limit)";
            return enough
                    ? new Finding(Grade.OK, "open files", fact, "")
                    : new Finding(
                            Grade.WARNING,
                            "open files",
                            fact,
                            "a device takes about 10 descriptors: raise it with ulimit -n or LimitNOFILE="
                                    + DESCRIPTORS_WANTED);
        } catch (ErrnoException e) {
            return new Finding(Grade.BROKEN, "open files", Messages.of(e), "allow prlimit64");
        }
    }

    private static Finding tun() {
        var device = Path.of("/dev/net/tun");
        if (!Files.exists(device)) {
            return new Finding(
                    Grade.WARNING,
                    "/dev/net/tun",
                    "is not there",
                    "uplinks of type tap will not work: modprobe tun, or give the device to the container");
        }
        if (!Files.isReadable(device) || !Files.isWritable(device)) {
            return new Finding(
                    Grade.WARNING,
                    "/dev/net/tun",
                    "cannot be opened by this user",
                    "uplinks of type tap will not work: run as root or give read and write permission");
        }
        return Credentials.euid() == 0
                ? new Finding(Grade.OK, "/dev/net/tun", "can be used", "")
                : new Finding(
                        Grade.WARNING,
                        "/dev/net/tun",
                        "can be opened, but this user is not root",
                        "uplinks need CAP_NET_ADMIN, or a persistent TAP made for this user: ip tuntap add NAME"
                                + " mode tap user USER vnet_hdr");
    }

    private static Finding packetSockets() {
        try (var socket = PacketSocket.open(LOOPBACK, 1500)) {
            return new Finding(Grade.OK, "packet sockets", "work", "");
        } catch (ErrnoException e) {
            return new Finding(
                    Grade.WARNING,
                    "packet sockets",
                    Messages.of(e),
                    "uplinks of type packet will not work: give the daemon CAP_NET_RAW and"
                            + " CAP_NET_ADMIN");
        }
    }

    private static Finding xdp() {
        try (var map = Bpf.xskMap(1);
                var program = Bpf.redirectProgram(map);
                var socket = XdpSocket.open(LOOPBACK, 0)) {
            return new Finding(Grade.OK, "AF_XDP", "works", "");
        } catch (ErrnoException e) {
            return new Finding(
                    Grade.WARNING,
                    "AF_XDP",
                    Messages.of(e),
                    "uplinks of type xdp will not work: they need a kernel with XDP_SOCKETS, CAP_BPF"
                            + " and CAP_NET_ADMIN, and bpf() in the container's seccomp profile");
        }
    }

    private static Finding directory(String what, Path directory) {
        Path existing = directory.toAbsolutePath();
        while (existing.getParent() != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        if (Files.isDirectory(existing) && Files.isWritable(existing)) {
            return new Finding(
                    Grade.OK,
                    what,
                    directory + (Files.exists(directory) ? "" : " (will be made)"),
                    "");
        }
        return new Finding(
                Grade.BROKEN,
                what,
                directory + " cannot be written to",
                "run as a user that may, or name another with --"
                        + what.replace(" directory", "-dir"));
    }

    private static Finding sharedMemory() {
        try {
            var setting =
                    Files.readString(Path.of("/sys/kernel/mm/transparent_hugepage/shmem_enabled"))
                            .strip();
            return new Finding(Grade.OK, "shared memory", "huge pages for memfd: " + setting, "");
        } catch (IOException e) {
            return new Finding(
                    Grade.OK, "shared memory", "no huge pages for memfd; none are needed", "");
        }
    }

    private static Finding kvm() {
        var device = Path.of("/dev/kvm");
        return Files.exists(device) && Files.isWritable(device)
                ? new Finding(Grade.OK, "/dev/kvm", "can be opened", "")
                : new Finding(
                        Grade.WARNING,
                        "/dev/kvm",
                        "cannot be used",
                        "guests will run in emulation, slowly; Vireo itself does not need it");
    }

    private static Finding qemu() {
        var version = firstLine("qemu-system-x86_64", "--version");
        if (version.isEmpty()) {
            return new Finding(
                    Grade.OK, "qemu", "not installed (any hypervisor with vhost-user will do)", "");
        }
        boolean old = version.contains("version 7.") || version.contains("version 6.");
        return new Finding(
                old ? Grade.WARNING : Grade.OK,
                "qemu",
                version,
                old
                        ? "without KVM this QEMU crashes with MSI-X on vhost-user NICs: add vectors=0 to"
                                + " virtio-net-pci, or use QEMU 10"
                        : "");
    }

    private static Finding cpus() {
        int count = Runtime.getRuntime().availableProcessors();
        return new Finding(
                count > 1 ? Grade.OK : Grade.WARNING,
                "CPUs",
                String.valueOf(count),
                count > 1 ? "" : "reactors and guests will share one CPU");
    }

    private static String firstLine(String... command) {
        try {
            var process = new ProcessBuilder(new ArrayList<>(List.of(command))).start();
            try (var reader = process.inputReader(StandardCharsets.UTF_8)) {
                var line = reader.readLine();
                process.waitFor(5, TimeUnit.SECONDS);
                return line == null ? "" : line;
            }
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }
}
