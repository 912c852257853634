package io.vireo.scsi;

/**
 * The iSCSI name that a SCSI target device goes by where nobody chooses another one: a contract
 * beside {@link ScsiTarget}.
 *
 * @param name as RFC 7143, 4.2.7 has it, in lower case
 */
public record IscsiName(String name) {}
