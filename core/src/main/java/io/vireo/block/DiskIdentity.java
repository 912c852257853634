package io.vireo.block;

/**
 * Which virtual disk it is, beyond its name: offered by virtual disks beside their device.
 *
 * @param unique unlike that of any other disk, also of one of the same name that is made later
 */
public record DiskIdentity(String unique) {}
