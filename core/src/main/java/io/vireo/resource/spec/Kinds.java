package io.vireo.resource.spec;

/** The names of the kinds that other kinds refer to. */
public final class Kinds {
    public static final String NETWORK = "Network";
    public static final String ACL = "Acl";
    public static final String MIRROR = "Mirror";
    public static final String UPLINK = "Uplink";
    public static final String POOL = "Pool";
    public static final String VDISK = "Vdisk";
    public static final String SNAPSHOT = "Snapshot";
    public static final String SNAPSHOT_GROUP = "SnapshotGroup";
    public static final String SNAPSHOT_SCHEDULE = "SnapshotSchedule";
    public static final String VDISK_ROLLBACK = "VdiskRollback";
    public static final String VDISK_EXPORT = "VdiskExport";
    public static final String SERVER_PROFILE = "ServerProfile";
    public static final String QOS_POLICY = "QosPolicy";
    public static final String DISK_QOS_POLICY = "DiskQosPolicy";
    public static final String VNIC = "Vnic";
    public static final String VHBA = "Vhba";
    public static final String VDISK_ATTACHMENT = "VdiskAttachment";

    public static final String ISCSI_PORTAL = "IscsiPortal";
    public static final String ISCSI_TARGET = "IscsiTarget";

    private Kinds() {}
}
