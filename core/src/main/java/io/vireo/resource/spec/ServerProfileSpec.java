package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;
import io.vireo.resource.VlanSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** The virtual I/O of one server: its cards, with identities that stay with it wherever it runs. */
public record ServerProfileSpec(
        @Field(value = "The virtual network cards.", maxLength = 64) List<Nic> vnics,
        @Field(value = "The virtual disks.", maxLength = 64) List<Disk> vdisks,
        @Field(value = "The virtual host bus adapters.", maxLength = 64) List<Hba> vhbas)
        implements Spec {
    public ServerProfileSpec {
        vnics = List.copyOf(vnics);
        vdisks = List.copyOf(vdisks);
        vhbas = List.copyOf(vhbas);
    }

    /** A virtual network card of the profile. */
    public record Nic(
            @Field(
                            value = "Name of the card, unique in the profile.",
                            pattern = Names.DEVICE,
                            maxLength = Names.MAX_DEVICE_LENGTH)
                    String name,
            @Field(value = "Name of the Network that it is plugged into.", pattern = Names.LABEL)
                    String network,
            @Field("MAC address. Absent: one is drawn and kept for as long as the card exists.")
                    Optional<MacAddress> mac,
            @Field(
                            value = "MTU that the guest is told, in bytes. Absent: the network's.",
                            min = Limits.MTU_MIN,
                            max = Limits.MTU_MAX)
                    OptionalInt mtu,
            @Field(
                            value =
                                    "Access VLAN: the guest sends and receives untagged, the network sees this VLAN."
                                            + " Not together with trunk.",
                            min = Limits.VLAN_MIN,
                            max = Limits.VLAN_MAX)
                    OptionalInt vlan,
            @Field("VLANs that the guest may tag itself, like 10-20,30. Absent: not a trunk.")
                    Optional<VlanSet> trunk,
            @Field(
                            value = "VLAN of untagged frames of a trunk. Absent: they are dropped.",
                            min = Limits.VLAN_MIN,
                            max = Limits.VLAN_MAX)
                    OptionalInt nativeVlan,
            @Field(
                            value = "Pairs of receive and transmit queues.",
                            defaultValue = "1",
                            min = 1,
                            max = Limits.QUEUES_MAX)
                    int queuePairs,
            @Field(
                            value = "Who listens on the socket: server means Vireo.",
                            defaultValue = "server")
                    SocketMode socketMode,
            @Field(
                            value =
                                    "Absolute path of the socket. Absent: <runtime"
                                            + " directory>/<profile>/<card>.sock. Needed in client mode"
                                            + " only if the hypervisor wants another place.",
                            pattern = Forms.ABSOLUTE_PATH,
                            maxLength = Limits.SOCKET_PATH_MAX)
                    Optional<String> socketPath,
            @Field(
                            "What the switch allows the card, beside its VLANs. What is absent is taken from vnicPolicy of"
                                    + " the network.")
                    Optional<PortPolicySpec> policy,
            @Field(
                            value =
                                    "Name of its QosPolicy, which wins whole over the network's. Absent: the network's.",
                            pattern = Names.LABEL)
                    Optional<String> qosPolicy,
            @Field(
                            value =
                                    "Whether the card's link is up. Down: nothing passes, and the guest is told where its"
                                            + " hypervisor can tell it; see qmp.",
                            defaultValue = "up")
                    AdminState adminState,
            @Field(
                            value =
                                    "Speed in Mbit/s that the guest is shown; limits nothing. Absent: it is not known.",
                            min = 1,
                            max = Integer.MAX_VALUE)
                    OptionalInt speed,
            @Field(
                            value =
                                    "Absolute path of a socket at which QEMU takes commands (QMP),"
                                            + " by which the guest learns of adminState. Absent: it"
                                            + " does not.",
                            pattern = Forms.ABSOLUTE_PATH,
                            maxLength = Limits.SOCKET_PATH_MAX)
                    Optional<String> qmp,
            @Field(
                            value =
                                    "How the server gets the card: vhost-user for a hypervisor, tap for the host itself"
                                            + " or a container.",
                            defaultValue = "vhost-user")
                    Presentation presentation,
            @Field(
                            value =
                                    "Name of the TAP interface; with presentation tap only. Absent:"
                                            + " the name of the card.",
                            pattern = Forms.INTERFACE,
                            maxLength = Limits.INTERFACE_MAX)
                    Optional<String> interfaceName,
            @Field(
                            value =
                                    "Network namespace that gets the TAP interface: a name below"
                                            + " /run/netns; with presentation tap only. Absent: the"
                                            + " daemon's own.",
                            pattern = Forms.NAMESPACE)
                    Optional<String> namespace,
            @Field(
                            value =
                                    "Place in the boot order, 1 first: the server boots from the network by this card (PXE)."
                                            + " Absent: not booted from.",
                            min = 1,
                            max = 255)
                    OptionalInt bootOrder) {
        public Nic {
            trunk = trunk.filter(vlans -> !vlans.isEmpty());
        }
    }

    /** A virtual disk as the profile's server sees it. */
    public record Disk(
            @Field(
                            value = "Name of the device, unique in the profile.",
                            pattern = Names.DEVICE,
                            maxLength = Names.MAX_DEVICE_LENGTH)
                    String name,
            @Field(value = "Name of the Vdisk.", pattern = Names.LABEL) String vdisk,
            @Field(value = "Whether the guest may only read.", defaultValue = "false")
                    boolean readOnly,
            @Field(value = "Request queues.", defaultValue = "1", min = 1, max = Limits.QUEUES_MAX)
                    int queues,
            @Field(
                            value = "Place in the boot order, 1 first. Absent: not booted from.",
                            min = 1,
                            max = 255)
                    OptionalInt bootOrder,
            @Field(
                            value =
                                    "Serial that the guest reads. Absent: one is drawn and kept"
                                            + " while the device exists.",
                            pattern = Forms.SERIAL,
                            maxLength = Limits.SERIAL_MAX)
                    Optional<String> serial,
            @Field(
                            value = "Who listens on the socket: server means Vireo.",
                            defaultValue = "server")
                    SocketMode socketMode,
            @Field(
                            value =
                                    "Absolute path of the socket. Absent: <runtime"
                                            + " directory>/<profile>/<device>.sock.",
                            pattern = Forms.ABSOLUTE_PATH,
                            maxLength = Limits.SOCKET_PATH_MAX)
                    Optional<String> socketPath) {}

    /** A virtual host bus adapter of the profile: a {@link VhbaSpec} with a name and a place. */
    public record Hba(
            @Field(
                            value = "Name of the adapter, unique in the profile.",
                            pattern = Names.DEVICE,
                            maxLength = Names.MAX_DEVICE_LENGTH)
                    String name,
            @Field(
                            value =
                                    "What the server finds behind it, by LUN. Changes while it is in use.",
                            maxLength = VhbaSpec.LUNS_MAX)
                    List<VhbaSpec.Lun> luns,
            @Field(
                            value =
                                    "World Wide Port Name: 16 hexadecimal digits, in pairs with colons or without."
                                            + " Absent: one is drawn and kept while the adapter exists.",
                            pattern = VhbaSpec.WWN)
                    Optional<String> wwpn,
            @Field(
                            value =
                                    "World Wide Node Name, as wwpn; adapters of one profile may have the same.",
                            pattern = VhbaSpec.WWN)
                    Optional<String> wwnn,
            @Field(
                            value =
                                    "iSCSI name of the target. Absent: one is drawn and kept while the adapter exists.",
                            pattern = IscsiTargetSpec.ISCSI_NAME,
                            maxLength = 223)
                    Optional<String> iqn,
            @Field(value = "Request queues.", defaultValue = "1", min = 1, max = Limits.QUEUES_MAX)
                    int queues,
            @Field(
                            value =
                                    "Place of its boot LUN in the boot order. Absent: 1, if it has a boot LUN.",
                            min = 1,
                            max = 255)
                    OptionalInt bootOrder,
            @Field(
                            value = "Who listens on the socket: server means Vireo.",
                            defaultValue = "server")
                    SocketMode socketMode,
            @Field(
                            value =
                                    "Absolute path of the socket. Absent: <runtime"
                                            + " directory>/<profile>/<adapter>.sock.",
                            pattern = Forms.ABSOLUTE_PATH,
                            maxLength = Limits.SOCKET_PATH_MAX)
                    Optional<String> socketPath,
            @Field(value = VhbaSpec.ACCESS, defaultValue = "optimized") VhbaSpec.Access access,
            @Field(
                            value = VhbaSpec.QUEUE_DEPTH,
                            defaultValue = "1024",
                            min = 1,
                            max = VhbaSpec.QUEUE_DEPTH_MAX)
                    int queueDepth,
            @Field(value = VhbaSpec.QOS_POLICY, pattern = Names.LABEL) Optional<String> qosPolicy,
            @Field(value = VhbaSpec.ADMIN_STATE, defaultValue = "up") AdminState adminState,
            @Field(
                            value = VhbaSpec.LINK_DOWN_TIMEOUT,
                            defaultValue = "30",
                            min = 0,
                            max = VhbaSpec.LINK_DOWN_TIMEOUT_MAX)
                    int linkDownTimeout) {
        public Hba {
            luns = List.copyOf(luns);
        }

        /** The adapter by itself. */
        public VhbaSpec adapter() {
            return new VhbaSpec(
                    luns,
                    wwpn,
                    wwnn,
                    iqn,
                    queues,
                    socketMode,
                    socketPath,
                    access,
                    queueDepth,
                    qosPolicy,
                    adminState,
                    linkDownTimeout);
        }

        /** The same with other names, those of an adapter. */
        public Hba named(VhbaSpec names) {
            return new Hba(
                    name,
                    luns,
                    names.wwpn(),
                    names.wwnn(),
                    names.iqn(),
                    queues,
                    bootOrder,
                    socketMode,
                    socketPath,
                    access,
                    queueDepth,
                    qosPolicy,
                    adminState,
                    linkDownTimeout);
        }

        /** Place of its boot LUN in the boot order; empty if it has none. */
        public OptionalInt bootPlace() {
            boolean boots = luns.stream().anyMatch(VhbaSpec.Lun::boot);
            return boots ? OptionalInt.of(bootOrder.orElse(1)) : OptionalInt.empty();
        }
    }
}
