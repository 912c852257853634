package io.vireo.bench;

import io.vireo.systest.Bed;
import io.vireo.systest.Guest;
import io.vireo.systest.ScenarioException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A stock Debian guest with two disks on the same disk of the host, one of ours and one of
 * qemu-storage-daemon, and fio in the guest on either in turn. Driver, rings and interrupts are
 * those that people have; so is what a guest costs.
 *
 * <p>Ours is a thick vDisk of a pool of type disks, the peer's a raw file; both were written whole.
 */
final class GuestBench {
    private static final String PREFIX = "guest";
    private static final int MEMORY_MIB = 512;

    /** PCI slots of the disks, by which the guest knows them apart. */
    private static final int FIRST_SLOT = 0x10;

    private final Options options;
    private final Report report;
    private final Path directory;
    private final Interleaver interleaver;

    GuestBench(Options options, Report report, Path directory, Interleaver interleaver) {
        this.options = options;
        this.report = report;
        this.directory = directory.resolve(PREFIX);
        this.interleaver = interleaver;
    }

    /**
     * A disk that is served.
     *
     * @param name of its side
     */
    private record Disk(String name, MeasuredProcess process, Path socket) {}

    void run() {
        var loads = BlkBench.wanted(options, PREFIX, BlkBench.allocated());
        if (loads.isEmpty()) {
            return;
        }
        var bed = Bed.prepare(options.root(), "bench-blk");
        report.remark(
                bed.emulator().kvm()
                        ? "guest: QEMU " + bed.emulator().version() + " with KVM."
                        : "guest: QEMU "
                                + bed.emulator().version()
                                + " without KVM (TCG); with small requests the guest is the limit.");
        try (var rig = new BlkRig()) {
            var disks =
                    List.of(
                            options.control() ? peer(rig, "control") : ours(rig),
                            peer(rig, "peer"));
            disks.forEach(disk -> disk.process().resume());
            try (var guest = Guest.debian(bed, "bench", devices(disks))) {
                boot(guest, bed);
                var sides = new ArrayList<GuestSide>();
                for (var disk : disks) {
                    disk.process().pause();
                    var device = device(guest, sides.size());
                    sides.add(new GuestSide(disk.name(), disk.process(), guest, device));
                }
                loads.forEach(load -> compare(load, sides.getFirst(), sides.getLast()));
                sides.forEach(GuestSide::close);
            }
        } catch (ScenarioException e) {
            throw new BenchException(String.valueOf(e.getMessage()), e);
        }
    }

    private void compare(BlkDriver.Load load, GuestSide vireo, GuestSide peer) {
        peer.begin(load);
        vireo.begin(load);
        var name = PREFIX + "-" + load.caseName();
        interleaver.run(name, CaseResult.Unit.rate("kIOPS"), vireo, peer);
    }

    private Disk ours(BlkRig rig) {
        var pool = new DiskPool(options, directory, rig);
        var process = pool.daemon().process();
        return written(new Disk("vireo", process, pool.socket(Resources.THICK)));
    }

    private Disk peer(BlkRig rig, String name) {
        makeDirectory();
        var file = BlkBench.sparse(directory.resolve(name + ".raw"), Resources.POOL_DISK);
        var socket = directory.resolve(name + ".sock");
        var process = rig.keep(StorageDaemon.ofFile(name, file, socket)).process();
        return written(new Disk(BlkBench.PEER, process, socket));
    }

    private void makeDirectory() {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new BenchException("Cannot make " + directory + ".", e);
        }
    }

    /** Writes all of a disk, which takes a guest longer, and leaves it to the guest, paused. */
    private static Disk written(Disk disk) {
        var contents = BlkSide.Contents.WRITTEN;
        BlkSide.connect(disk.name(), disk.process(), disk.socket(), contents).close();
        disk.process().pause();
        return disk;
    }

    private static void boot(Guest guest, Bed bed) {
        Progress.say("starting a guest");
        guest.start();
        Hypervisor.of(bed, "bench").pin(NetBench.FRONT_END_CORE);
        // It would read a disk that fio has just written, whose back end is paused by then.
        guest.output("udevadm settle && udevadm control --stop-exec-queue");
    }

    /** QEMU's options for the memory and the disks. */
    private static List<String> devices(List<Disk> disks) {
        var words = new ArrayList<>(List.of("-m", MEMORY_MIB + "M", "-object"));
        words.add("memory-backend-memfd,id=memory,size=" + MEMORY_MIB + "M,share=on");
        words.addAll(List.of("-machine", "memory-backend=memory"));
        for (var i = 0; i < disks.size(); i++) {
            var socket = disks.get(i).socket();
            words.addAll(List.of("-chardev", "socket,id=to" + i + ",path=" + socket));
            var slot = Integer.toHexString(FIRST_SLOT + i);
            words.add("-device");
            words.add("vhost-user-blk-pci,num-queues=1,chardev=to" + i + ",addr=0x" + slot);
        }
        return List.copyOf(words);
    }

    /** The name of a disk in the guest, for fio, to which a colon is not part of one. */
    private static String device(Guest guest, int disk) {
        var slot = Integer.toHexString(FIRST_SLOT + disk);
        return guest.output("realpath -e /dev/disk/by-path/pci-0000:00:" + slot + ".0");
    }
}
