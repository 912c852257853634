package io.vireo.resource.spec;

/** Formats of image files that vDisks are made from and written to. */
public enum DiskImageFormat {
    /** The bytes of the disk, one after the other. */
    RAW,
    /** QEMU's format, versions 2 and 3. */
    QCOW2
}
