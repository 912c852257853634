/**
 * The SCSI command set of direct access block devices (SPC-4, SBC-3, and what they got in SPC-5 and
 * SBC-4), without any transport: {@link io.vireo.scsi.ScsiTarget}s over {@link
 * io.vireo.block.BlockDevice}s.
 *
 * <p>A {@code UnitTarget} maps {@code LogicalUnit}s to LUNs. Each initiator port has a {@code
 * Nexus}, and with each unit that it sees a {@code UnitNexus}. A task takes a {@code Slot} of the
 * unit's task set; {@code CommandTable} finds the {@code Command}, of whose families there is one
 * class each, and from which REPORT SUPPORTED OPERATION CODES is made. {@code PersistentReserveOut}
 * turns one {@code PrState} into the next.
 *
 * <p>Threading: a unit belongs to one reactor, a nexus to one, not always the same; tasks cross
 * over in {@code Crossing}s. A READ or WRITE allocates nothing.
 */
@NullMarked
package io.vireo.device.scsi;

import org.jspecify.annotations.NullMarked;
