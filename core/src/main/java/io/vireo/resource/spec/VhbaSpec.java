package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Reference;
import io.vireo.resource.Spec;
import io.vireo.resource.Violation;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** A virtual host bus adapter: a SCSI target whose logical units are vDisks. */
public record VhbaSpec(
        @Field(
                        value =
                                "What the server finds behind it, by LUN. Changes while it is in use.",
                        maxLength = VhbaSpec.LUNS_MAX)
                List<Lun> luns,
        @Field(
                        value =
                                "World Wide Port Name that reservations know the server by: 16 hexadecimal digits, in"
                                        + " pairs with colons or without. Absent: one is drawn and kept while the vHBA"
                                        + " exists.",
                        pattern = WWN)
                Optional<String> wwpn,
        @Field(
                        value =
                                "World Wide Node Name: as wwpn, and drawn as that is. vHBAs of one profile may have the"
                                        + " same.",
                        pattern = WWN)
                Optional<String> wwnn,
        @Field(
                        value =
                                "iSCSI name of the target. Absent: one is drawn and kept while the vHBA exists.",
                        pattern = IscsiTargetSpec.ISCSI_NAME,
                        maxLength = 223)
                Optional<String> iqn,
        @Field(
                        value = "Request queues of the virtio SCSI host adapter.",
                        defaultValue = "1",
                        min = 1,
                        max = Limits.QUEUES_MAX)
                int queues,
        @Field(value = "Who listens on the socket: server means Vireo.", defaultValue = "server")
                SocketMode socketMode,
        @Field(
                        value =
                                "Absolute path of the vhost-user socket. Absent: <runtime"
                                        + " directory>/vhba.<name>.sock.",
                        pattern = Forms.ABSOLUTE_PATH,
                        maxLength = Limits.SOCKET_PATH_MAX)
                Optional<String> socketPath,
        @Field(value = VhbaSpec.ACCESS, defaultValue = "optimized") Access access,
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
                int linkDownTimeout)
        implements Spec {
    /** Asymmetric access states (SPC-4, 5.16.2). */
    public enum Access {
        /** As good as any. */
        OPTIMIZED,
        /** To be used where there is no better one. */
        NON_OPTIMIZED,
        /** Not to be used for data until it is told otherwise. */
        STANDBY,
        /** Not to be used. */
        UNAVAILABLE
    }

    /**
     * A World Wide Name in hexadecimal digits: formats of 64 bits (FC-FS, Name_Identifier), the
     * mapped ones of EUI-64 included.
     */
    public static final String WWN =
            "[1235c-fC-F][0-9a-fA-F]{15}|[1235c-fC-F][0-9a-fA-F](:[0-9a-fA-F]{2}){7}";

    static final String ACCESS =
            "How good this way to its units is, for initiators that have several (ALUA). Changes while it is in"
                    + " use.";

    static final String QUEUE_DEPTH =
            "Commands of one initiator that are carried out at once; one more ends with TASK SET FULL."
                    + " Changes while it is in use.";

    static final String QOS_POLICY =
            "Name of the DiskQosPolicy whose rates all its LUNs together keep to, beside the policies of the"
                    + " vDisks, and whose reservation they have together in each of their pools. Absent: no rates"
                    + " and no reservation. Changes while it is in use.";

    static final String ADMIN_STATE =
            "Whether its link is up. Down: iSCSI sessions end and none begins, commands of its"
                    + " guest wait, and fail after linkDownTimeout. Changes while it is in use.";

    static final String LINK_DOWN_TIMEOUT =
            "Seconds that commands of its guest wait while the link is down before they fail."
                    + " Changes while it is in use, from the next time that the link goes down on.";

    /** Longest time that commands wait for a link, in seconds. */
    public static final int LINK_DOWN_TIMEOUT_MAX = 600;

    /** As many tasks as a logical unit has room for. */
    public static final int QUEUE_DEPTH_MAX = 1024;

    /** Most logical units of a vHBA. */
    public static final int LUNS_MAX = 1024;

    /** Highest LUN: what flat space addressing holds (SAM-5, 4.7.7.3). */
    public static final int LUN_MAX = 16383;

    public VhbaSpec {
        luns = List.copyOf(luns);
        wwpn = wwpn.map(VhbaSpec::plain);
        wwnn = wwnn.map(VhbaSpec::plain);
    }

    /** The one way to write a World Wide Name, so that equal ones are. */
    private static String plain(String wwn) {
        return wwn.replace(":", "").toLowerCase(Locale.ROOT);
    }

    /** The same with other names. */
    public VhbaSpec withNames(
            Optional<String> newWwpn, Optional<String> newWwnn, Optional<String> newIqn) {
        return new VhbaSpec(
                luns,
                newWwpn,
                newWwnn,
                newIqn,
                queues,
                socketMode,
                socketPath,
                access,
                queueDepth,
                qosPolicy,
                adminState,
                linkDownTimeout);
    }

    /** The same with another access state. */
    public VhbaSpec withAccess(Access newAccess) {
        return changed(luns, newAccess, queueDepth, qosPolicy, adminState, linkDownTimeout);
    }

    /** The same with another queue depth. */
    public VhbaSpec withQueueDepth(int newDepth) {
        return changed(luns, access, newDepth, qosPolicy, adminState, linkDownTimeout);
    }

    /** The same with another policy. */
    public VhbaSpec withQosPolicy(Optional<String> newPolicy) {
        return changed(luns, access, queueDepth, newPolicy, adminState, linkDownTimeout);
    }

    /** The same with another state of its link, and another time to wait for it. */
    public VhbaSpec withLink(AdminState newState, int newTimeout) {
        return changed(luns, access, queueDepth, qosPolicy, newState, newTimeout);
    }

    /** Whether they differ, if at all, in what can change while the adapter is in use. */
    public boolean isSameDevice(VhbaSpec other) {
        return changed(
                        other.luns,
                        other.access,
                        other.queueDepth,
                        other.qosPolicy,
                        other.adminState,
                        other.linkDownTimeout)
                .equals(other);
    }

    /** The same device with another of all that can change while it is in use. */
    private VhbaSpec changed(
            List<Lun> newLuns,
            Access newAccess,
            int newDepth,
            Optional<String> newPolicy,
            AdminState newState,
            int newTimeout) {
        return new VhbaSpec(
                newLuns,
                wwpn,
                wwnn,
                iqn,
                queues,
                socketMode,
                socketPath,
                newAccess,
                newDepth,
                newPolicy,
                newState,
                newTimeout);
    }

    /** What it and its logical units refer to. */
    public List<Reference> references() {
        return Stream.concat(
                        luns.stream().map(lun -> new Reference(Kinds.VDISK, lun.vdisk())),
                        qosPolicy.stream().map(name -> new Reference(Kinds.DISK_QOS_POLICY, name)))
                .distinct()
                .toList();
    }

    /** The rules of its logical units that are broken, with pointers below this one. */
    public List<Violation> violations(String at) {
        var violations = new ArrayList<Violation>();
        Set<Integer> numbers = new HashSet<>();
        Set<String> disks = new HashSet<>();
        boolean boots = false;
        for (int i = 0; i < luns.size(); i++) {
            Lun lun = luns.get(i);
            String pointer = at + "/luns/" + i;
            if (!numbers.add(lun.lun())) {
                violations.add(
                        new Violation(pointer + "/lun", "LUN " + lun.lun() + " is there twice"));
            }
            if (!disks.add(lun.vdisk())) {
                violations.add(
                        new Violation(
                                pointer + "/vdisk",
                                lun.vdisk() + " is at another LUN already: give it one"));
            }
            if (lun.boot() && boots) {
                violations.add(
                        new Violation(pointer + "/boot", "another LUN is the boot LUN already"));
            }
            boots |= lun.boot();
        }
        return violations;
    }

    /** A logical unit. */
    public record Lun(
            @Field(value = "Logical unit number.", min = 0, max = LUN_MAX) int lun,
            @Field(value = "Name of the Vdisk.", pattern = Names.LABEL) String vdisk,
            @Field(value = "Whether it can only be read.", defaultValue = "false") boolean readOnly,
            @Field(
                            value = "Whether the server boots from it; of one LUN at most.",
                            defaultValue = "false")
                    boolean boot,
            @Field(
                            value = "Whether the server can eject it, and load it again.",
                            defaultValue = "false")
                    boolean removable) {}
}
