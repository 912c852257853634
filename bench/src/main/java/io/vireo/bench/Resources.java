package io.vireo.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What the daemon is asked for.
 *
 * @param yaml declarations
 * @param sockets where the devices appear; those of vNICs have names that begin with {@value #NIC}
 */
record Resources(String yaml, List<Path> sockets) {
    static final String NIC = "nic";

    /** vDisks of {@link #diskPool}: written whole, with all of its room reserved. */
    static final String THICK = "thick";

    /** Written whole. */
    static final String THIN = "thin";

    /** Written whole, encrypted in units of 512 bytes. */
    static final String ENCRYPTED = "encrypted";

    /** The same in units of 4 KiB. */
    static final String ENCRYPTED_4K = "encrypted4k";

    /** Written whole, with checksums. */
    static final String CHECKSUMMED = "checksummed";

    /** Written whole, in a pool that keeps two copies; both are on the same disk. */
    static final String MIRRORED = "mirrored";

    /** Name of the secret that is the pool's master key. */
    static final String KEY_SECRET = "bench-key";

    /** With so many snapshots, the number behind this. */
    static final String SNAP = "snap";

    /** Larger than can be written. */
    static final String FRESH = "fresh";

    /** Of 1 TiB. */
    static final String LARGE = "large";

    /** Of 1 GiB. */
    static final String SMALL = "small";

    /** Numbers of snapshots of the vDisks that have any. */
    static final List<Integer> SNAPSHOTS = List.of(1, 10, 100);

    /** Bytes of a vDisk that is written whole. */
    static final long POOL_DISK = 512L << 20;

    /** Bytes of {@link #FRESH}. */
    static final long FRESH_DISK = 64L << 30;

    private static final long POOL_MEMBER = 200L << 30;

    /** Bytes of each copy of {@link #MIRRORED}, most of which are never written. */
    private static final long POOL_MIRROR = 8L << 30;

    /** The interface of {@link #shares}. */
    static final String INTERFACE = "up0";

    private static final String HEAD =
            """
            ---
            apiVersion: vireo/v1
            kind: %s
            metadata:
              name: %s
            spec:
            """;

    /**
     * Something that a network does for its vNICs, beside switching.
     *
     * @param name of cases
     * @param network lines of the network's specification
     * @param others declarations that these refer to
     */
    record Feature(String name, String network, String others) {
        /** Nothing. */
        static final Feature NONE = new Feature("none", "", "");

        /** Only the card's own MAC address may be the source of its frames. */
        static final Feature ANTI_SPOOF =
                new Feature("antispoof", "  vnicPolicy:\n    antiSpoofing: {}\n", "");

        /** Rates in both directions that are never reached, which frames are metered for. */
        static final Feature METERED =
                new Feature(
                        "metered",
                        "  qosPolicy: bench\n",
                        head("QosPolicy", "bench")
                                + "  transmit:\n    cir: 50G\n    pir: 100G\n    exceed: drop\n"
                                + "  receive:\n    cir: 50G\n    pir: 100G\n");

        /** Multicasts go to those who asked for them; what is not multicast is looked at too. */
        static final Feature SNOOPING = new Feature("snooping", "  multicastSnooping: {}\n", "");

        /** All that two cards send is copied to a third. */
        static final Feature MIRRORED =
                new Feature(
                        "mirrored",
                        "",
                        head("Mirror", "bench")
                                + "  network: bench\n  sources:\n"
                                + "    - vnic: server0.eth0\n      direction: ingress\n"
                                + "    - vnic: server1.eth0\n      direction: ingress\n"
                                + "  destination:\n    vnic: server2.eth0\n");

        /**
         * A list of so many rules for the frames that come from vNICs, of which the last decides.
         */
        static Feature acl(int rules) {
            var acl = new StringBuilder(head("Acl", "bench")).append("  rules:\n");
            for (var i = 1; i < rules; i++) {
                acl.append("    - action: deny\n      protocol: udp\n      destinationPorts: ")
                        .append(1000 + i)
                        .append('\n');
            }
            acl.append("    - action: permit\n");
            var policy = "  vnicPolicy:\n    ingressAcls: [bench]\n";
            return new Feature("acl" + rules, policy, acl.toString());
        }
    }

    /**
     * One network and a vNIC for each address. The MTU leaves room for frames of 1518 bytes without
     * a tag.
     */
    static Resources network(List<String> macs, Path directory, Feature feature) {
        var yaml = new StringBuilder(feature.others()).append(head("Network", "bench"));
        yaml.append("  mtu: 9000\n").append(feature.network());
        var sockets = new ArrayList<Path>();
        for (var i = 0; i < macs.size(); i++) {
            var socket = directory.resolve(NIC + i + ".sock");
            yaml.append(head("ServerProfile", "server" + i));
            yaml.append("  vnics:\n")
                    .append(nic("bench", socket))
                    .append("      mac: " + macs.get(i) + "\n");
            yaml.append("  vdisks: []\n");
            sockets.add(socket);
        }
        return new Resources(yaml.toString(), sockets);
    }

    /**
     * A sender and a receiver on a network with a policy.
     *
     * @param policy the specification of the policy
     */
    static Resources rates(String policy, Path directory) {
        var yaml = new StringBuilder(head("QosPolicy", "rate")).append(policy);
        yaml.append(head("Network", "rates")).append("  qosPolicy: rate\n");
        var sockets = new ArrayList<Path>();
        for (var i = 0; i < 2; i++) {
            var socket = directory.resolve(NIC + i + ".sock");
            yaml.append(head("ServerProfile", "rates" + i));
            yaml.append("  vnics:\n").append(nic("rates", socket)).append("  vdisks: []\n");
            sockets.add(socket);
        }
        return new Resources(yaml.toString(), sockets);
    }

    /**
     * vNICs with shares of one TAP uplink.
     *
     * @param speed of the uplink, as it is written
     * @param namespace of its interface
     */
    static Resources shares(List<Integer> shares, String speed, String namespace, Path directory) {
        var yaml = new StringBuilder(head("Uplink", "outside"));
        yaml.append("  interfaceName: " + INTERFACE + "\n  namespace: " + namespace + "\n");
        yaml.append("  speed: " + speed + "\n");
        yaml.append(head("Network", "shares")).append("  uplink: outside\n");
        var sockets = new ArrayList<Path>();
        for (var share : shares) {
            var name = "shares" + share;
            var socket = directory.resolve(NIC + "-" + share + ".sock");
            yaml.append(head("QosPolicy", name)).append("  shares: " + share + "\n");
            yaml.append(head("ServerProfile", name));
            yaml.append("  vnics:\n").append(nic("shares", socket));
            yaml.append("      qosPolicy: " + name + "\n  vdisks: []\n");
            sockets.add(socket);
        }
        return new Resources(yaml.toString(), sockets);
    }

    /**
     * A vNIC on a network with an uplink.
     *
     * @param type of the uplink
     * @param namespace of its interface
     */
    static Resources uplink(String type, String namespace, String mac, Path directory) {
        var socket = directory.resolve(NIC + "-" + type + ".sock");
        var yaml = new StringBuilder(head("Uplink", type)).append("  type: " + type + "\n");
        yaml.append("  interfaceName: " + Uplinks.link(type) + "\n");
        yaml.append("  namespace: " + namespace + "\n");
        yaml.append(head("Network", type)).append("  uplink: " + type + "\n");
        yaml.append(head("ServerProfile", type)).append("  vnics:\n").append(nic(type, socket));
        yaml.append("      mac: " + mac + "\n  vdisks: []\n");
        return new Resources(yaml.toString(), List.of(socket));
    }

    /** Further vNICs on the network of {@link #network}, one for each address. */
    static Resources guests(List<String> macs, Path directory) {
        var yaml = new StringBuilder();
        var sockets = new ArrayList<Path>();
        for (var i = 0; i < macs.size(); i++) {
            var socket = directory.resolve("guest" + i + ".sock");
            yaml.append(head("ServerProfile", "guest" + i)).append("  vnics:\n");
            yaml.append(nic("bench", socket)).append("      mac: " + macs.get(i) + "\n");
            yaml.append("  vdisks: []\n");
            sockets.add(socket);
        }
        return new Resources(yaml.toString(), sockets);
    }

    /** A disk of {@code size} bytes in a pool that forgets everything. */
    static Resources nullDisk(long size, Path directory) {
        return disk("null-disk", "  type: nullio\n", size, directory);
    }

    /** A disk of {@code size} bytes in the daemon's memory. */
    static Resources ramDisk(long size, Path directory) {
        return disk("ram-disk", "  type: ram\n", size, directory);
    }

    /** A disk of {@code size} bytes in a file below {@code directory}. */
    static Resources fileDisk(long size, Path directory) {
        return disk("file-disk", "  type: directory\n  path: " + directory + "\n", size, directory);
    }

    /**
     * Disks of {@code size} bytes at LUN 0 of a vHBA of their own each, which is an iSCSI target
     * for anybody on loopback: one of memory, and one of a file below {@code directory}. Each has a
     * {@linkplain #neighbour neighbour} that is a virtio-blk disk.
     */
    static Resources scsiDisks(long size, Path directory, int port) {
        var yaml = new StringBuilder(head("Pool", "ram")).append("  type: ram\n");
        yaml.append(head("Pool", "file")).append("  type: directory\n  path: ").append(directory);
        yaml.append("\n").append(head("IscsiPortal", "scsi"));
        yaml.append("  address: 127.0.0.1\n  port: " + port + "\n");
        var sockets = new ArrayList<Path>();
        for (var store : List.of("ram", "file")) {
            yaml.append(head("Vdisk", store)).append("  pool: " + store + "\n  size: " + size);
            yaml.append("\n");
            target(yaml, store, List.of(store), directory);
            sockets.add(socket(store, directory));
            var blk = neighbour(store);
            yaml.append(head("Vdisk", blk)).append("  pool: " + store + "\n  size: " + size);
            yaml.append("\n").append(head("ServerProfile", blk)).append("  vnics: []\n");
            yaml.append("  vdisks:\n").append(attachment(blk, socket(blk, directory)));
            sockets.add(socket(blk, directory));
        }
        return new Resources(yaml.toString(), sockets);
    }

    /** The virtio-blk disk in the same pool as a disk of {@link #scsiDisks}. */
    static String neighbour(String store) {
        return store + "-blk";
    }

    /** What the targets of {@link #manyTargets} have in common: so many LUNs, and a portal. */
    static Resources manyLuns(int luns, int port) {
        var yaml = new StringBuilder(head("Pool", "many")).append("  type: ram\n");
        yaml.append(head("IscsiPortal", "scsi"));
        yaml.append("  address: 127.0.0.1\n  port: " + port + "\n");
        for (var i = 0; i < luns; i++) {
            yaml.append(head("Vdisk", "many" + i)).append("  pool: many\n  size: 1Mi\n");
        }
        return new Resources(yaml.toString(), List.of());
    }

    /**
     * vHBAs with the LUNs of {@link #manyLuns}, from 0 on, as iSCSI targets on loopback: those with
     * the numbers from {@code first} to {@code end}, the latter excluded.
     */
    static Resources manyTargets(int first, int end, int luns, Path directory) {
        var yaml = new StringBuilder();
        var disks = IntStream.range(0, luns).mapToObj(i -> "many" + i).toList();
        var sockets = new ArrayList<Path>();
        for (var i = first; i < end; i++) {
            target(yaml, "many" + i, disks, directory);
            sockets.add(socket("many" + i, directory));
        }
        return new Resources(yaml.toString(), sockets);
    }

    /** The iSCSI name of a target of {@link #scsiDisks} or {@link #manyTargets}. */
    static String targetName(String name) {
        return "iqn.2026-11.io.vireo.bench:" + name;
    }

    private static void target(
            StringBuilder yaml, String name, List<String> disks, Path directory) {
        yaml.append(head("Vhba", name)).append("  luns:\n");
        for (var i = 0; i < disks.size(); i++) {
            yaml.append("    - lun: " + i + "\n      vdisk: " + disks.get(i) + "\n");
        }
        yaml.append("  socketPath: ").append(socket(name, directory)).append("\n");
        yaml.append(head("IscsiTarget", name)).append("  vhba: " + name + "\n  targetName: ");
        yaml.append(targetName(name)).append("\n  portals: [scsi]\n  initiators: [\"*\"]\n");
    }

    private static Resources disk(String name, String pool, long size, Path directory) {
        var socket = directory.resolve(name + ".sock");
        var yaml =
                head("Pool", name)
                        + pool
                        + head("Vdisk", name)
                        + "  pool: "
                        + name
                        + "\n  size: "
                        + size
                        + "\n"
                        + head("ServerProfile", name)
                        + "  vnics: []\n  vdisks:\n"
                        + attachment(name, socket);
        return new Resources(yaml, List.of(socket));
    }

    /**
     * A pool of type disks on one sparse file, one that mirrors, and the vDisks that {@link
     * PoolBench} measures; what they are for is in their names.
     */
    static Resources diskPool(Path directory) {
        var yaml = new StringBuilder(head("Pool", "disks"));
        yaml.append("  type: disks\n  disks:\n    members:\n      - path: ")
                .append(directory.resolve("member.img"))
                .append("\n        size: " + POOL_MEMBER + "\n")
                .append("  encryption:\n    keySecret: " + KEY_SECRET + "\n    byDefault: false\n");
        yaml.append(head("Pool", MIRRORED))
                .append("  type: disks\n  disks:\n    copies: 2\n    members:\n");
        for (var copy : List.of("mirror0.img", "mirror1.img")) {
            yaml.append(
                    "      - path: "
                            + directory.resolve(copy)
                            + "\n        size: "
                            + POOL_MIRROR
                            + "\n");
        }
        var sizes = new LinkedHashMap<String, Long>();
        sizes.put(THICK, POOL_DISK);
        sizes.put(THIN, POOL_DISK);
        sizes.put(ENCRYPTED, POOL_DISK);
        sizes.put(ENCRYPTED_4K, POOL_DISK);
        sizes.put(CHECKSUMMED, POOL_DISK);
        sizes.put(MIRRORED, POOL_DISK);
        SNAPSHOTS.forEach(count -> sizes.put(SNAP + count, POOL_DISK));
        sizes.put(FRESH, FRESH_DISK);
        sizes.put(LARGE, 1L << 40);
        sizes.put(SMALL, 1L << 30);
        sizes.forEach((name, size) -> {
            yaml.append(head("Vdisk", name))
                    .append("  pool: ")
                    .append(name.equals(MIRRORED) ? MIRRORED : "disks")
                    .append("\n  size: " + size + "\n");
            yaml.append(name.equals(CHECKSUMMED) ? "  checksums: true\n" : "");
            yaml.append(name.equals(THICK) ? "  allocation: thick\n" : "");
            yaml.append(name.startsWith(ENCRYPTED) ? "  encrypted: true\n" : "");
            yaml.append(name.equals(ENCRYPTED_4K) ? "  blockSize: 4096\n" : "");
            yaml.append(head("ServerProfile", name)).append("  vnics: []\n  vdisks:\n");
            yaml.append(attachment(name, socket(name, directory)));
        });
        var sockets = sizes.keySet().stream().map(name -> socket(name, directory)).toList();
        return new Resources(yaml.toString(), sockets);
    }

    /** Where a vDisk of {@link #diskPool} appears. */
    static Path socket(String vdisk, Path directory) {
        return directory.resolve(vdisk + ".sock");
    }

    /** Servers with a vNIC on one network and a vDisk in one directory each. */
    static Resources idleServers(int count, Path directory) {
        var yaml = new StringBuilder(head("Network", "idle")).append("  mtu: 1500\n");
        yaml.append(head("Pool", "idle")).append("  type: directory\n  path: " + directory + "\n");
        var sockets = new ArrayList<Path>();
        for (var i = 0; i < count; i++) {
            var nic = directory.resolve(NIC + i + ".sock");
            var disk = directory.resolve("disk" + i + ".sock");
            yaml.append(head("Vdisk", "disk" + i)).append("  pool: idle\n  size: 1Gi\n");
            yaml.append(head("ServerProfile", "server" + i));
            yaml.append("  vnics:\n").append(nic("idle", nic));
            yaml.append("  vdisks:\n").append(attachment("disk" + i, disk));
            sockets.add(nic);
            sockets.add(disk);
        }
        return new Resources(yaml.toString(), sockets);
    }

    private static String head(String kind, String name) {
        return HEAD.formatted(kind, name);
    }

    private static String nic(String network, Path socket) {
        return "    - name: eth0\n      network: "
                + network
                + "\n      socketPath: "
                + socket
                + "\n";
    }

    private static String attachment(String vdisk, Path socket) {
        return "    - name: disk0\n      vdisk: " + vdisk + "\n      socketPath: " + socket + "\n";
    }
}
