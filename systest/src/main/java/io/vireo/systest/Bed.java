package io.vireo.systest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where things are: the repository, the guest's kernel and initrd, and a folder for one run.
 *
 * @param repository top of the source tree
 * @param run sockets, logs and data of this run
 * @param emulator the QEMU of this machine
 */
public record Bed(Path repository, Path run, Emulator emulator) {
    // sun_path of unix(7) has 108 bytes; the longest name below the folder is
    // runtime/web1/disk0.sock.
    private static final int LONGEST_FOLDER = 80;
    private static final Pattern VERSION = Pattern.compile("version (\\S+)");

    /**
     * The QEMU of this machine.
     *
     * @param version as it says itself
     * @param kvm whether a guest was seen to boot under KVM here
     */
    public record Emulator(String version, boolean kvm) {
        /** The options that choose the accelerator, and what it needs. */
        List<String> options() {
            if (kvm) {
                return List.of("-accel", "kvm", "-cpu", "host");
            }
            // Without what is slow to emulate: copies byte by byte, a fifth level of page tables,
            // instructions around each access to a process's memory (SMAP, protection keys), and
            // virtual machines, for which Linux would load kvm.
            return List.of("-accel", "tcg,thread=multi", "-cpu", "max,-erms,-la57,-smap,-pku,-svm");
        }
    }

    /**
     * Looks at this machine and makes an empty folder for the run below the repository's target.
     *
     * @throws ScenarioException if the guest has not been made or QEMU is absent
     */
    public static Bed prepare(Path repository, String name) {
        Path top = repository.toAbsolutePath().normalize();
        try {
            Bed bed =
                    new Bed(
                            top,
                            emptied(top.resolve("target/run/" + name)),
                            new Emulator(qemuVersion(), false));
            for (Path part : List.of(bed.kernel(), bed.initrd())) {
                if (!Files.exists(part)) {
                    throw new ScenarioException(part + " is absent: run systest/guest/build");
                }
            }
            return new Bed(top, bed.run, new Emulator(bed.emulator.version, bed.kvmBoots()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path emptied(Path folder) throws IOException {
        if (folder.toString().length() > LONGEST_FOLDER) {
            throw new ScenarioException(
                    folder + " is too long for the sockets in it: clone to a shorter path");
        }
        if (Files.exists(folder)) {
            try (Stream<Path> tree = Files.walk(folder)) {
                for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
        return Files.createDirectories(folder);
    }

    Path kernel() {
        return repository.resolve("target/guest/vmlinux");
    }

    Path initrd() {
        return repository.resolve("target/guest/initrd.cpio");
    }

    /**
     * A part of the Debian system that {@code systest/debian/build} makes.
     *
     * @throws ScenarioException if it has not been made
     */
    Path debian(String part) {
        Path path = repository.resolve("target/guest/debian").resolve(part);
        if (!Files.exists(path)) {
            throw new ScenarioException(path + " is absent: run systest/debian/build");
        }
        return path;
    }

    private static String qemuVersion() throws IOException {
        Process process =
                new ProcessBuilder(Guest.QEMU, "--version").redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        var version = VERSION.matcher(output);
        if (!version.find()) {
            throw new ScenarioException(Guest.QEMU + " --version says: " + output);
        }
        return version.group(1);
    }

    /**
     * Boots a guest once: a /dev/kvm that opens is no proof. The answer is kept beside the guest.
     */
    private boolean kvmBoots() throws IOException {
        if (!Files.isWritable(Path.of("/dev/kvm"))) {
            return false;
        }
        Path answer = kernel().resolveSibling("kvm");
        if (Files.exists(answer)
                && Files.getLastModifiedTime(answer).compareTo(Files.getLastModifiedTime(initrd()))
                        > 0) {
            return Files.readString(answer).startsWith("works");
        }
        boolean works = bootsWithKvm();
        Files.writeString(answer, works ? "works\n" : "does not boot a guest\n");
        return works;
    }

    private boolean bootsWithKvm() {
        var accelerated = new Bed(repository, run, new Emulator(emulator.version, true));
        List<String> memory = List.of("-m", "256M");
        try (Guest guest = new Guest(accelerated, "kvm-probe", memory)) {
            return guest.boots(10, TimeUnit.SECONDS);
        }
    }
}
