package io.vireo.device.scsi;

import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.scsi.ScsiPort;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Vital product data pages (SPC-4, 7.8 and SBC-3, 6.6). */
final class VpdPages {
    private static final int SUPPORTED = 0x00;
    private static final int SERIAL = 0x80;
    private static final int IDENTIFICATION = 0x83;
    private static final int EXTENDED_INQUIRY = 0x86;
    private static final int MODE_PAGE_POLICY = 0x87;
    private static final int SCSI_PORTS = 0x88;
    private static final int THIRD_PARTY_COPY = 0x8F;
    private static final int BLOCK_LIMITS = 0xB0;
    private static final int BLOCK_CHARACTERISTICS = 0xB1;
    private static final int PROVISIONING = 0xB2;

    private static final List<Integer> ALL =
            List.of(
                    SUPPORTED,
                    SERIAL,
                    IDENTIFICATION,
                    EXTENDED_INQUIRY,
                    MODE_PAGE_POLICY,
                    SCSI_PORTS,
                    THIRD_PARTY_COPY,
                    BLOCK_LIMITS,
                    BLOCK_CHARACTERISTICS,
                    PROVISIONING);

    private static final int HEADER = 4;

    // Designators (SPC-4, 7.8.6): code set, and association and type.
    private static final int BINARY = 1;
    private static final int ASCII = 2;
    private static final int UTF_8 = 3;
    private static final int UNIT_VENDOR = 0x01;
    private static final int UNIT_NAA = 0x03;
    private static final int UNIT_GROUP = 0x06;
    private static final int PORT_NAA = 0x93;
    private static final int PORT_RELATIVE = 0x94;
    private static final int PORT_GROUP = 0x95;
    private static final int PORT_NAME = 0x98;
    private static final int TARGET_NAA = 0xA3;
    private static final int TARGET_NAME = 0xA8;
    private static final int PROTOCOL_ISCSI = 5;
    private static final int PAGE_MAX = 0xFFFF;

    /** Bytes of a port at most: its numbers, and a name of 223 bytes with its portal group. */
    private static final int PORT_MAX = 256;

    private VpdPages() {}

    /** Writes a page; false: there is none of that code. */
    static boolean write(Reply page, int code, Slot slot) {
        if (!ALL.contains(code)) {
            return false;
        }
        page.u8(InquiryCommands.DISK).u8(code).u16(0);
        LogicalUnit unit = slot.unit;
        switch (code) {
            case SUPPORTED -> ALL.forEach(page::u8);
            case SERIAL -> page.bytes(ascii(unit.identity().serial()));
            case IDENTIFICATION -> identification(page, slot);
            case EXTENDED_INQUIRY -> page.u8(0).u8(0x07).u8(0x01).u8(0x01).zeroes(56);
            case MODE_PAGE_POLICY -> page.u8(0x3F).u8(0xFF).u8(0).u8(0);
            case SCSI_PORTS -> ports(page, unit);
            case THIRD_PARTY_COPY -> ThirdPartyCopyPage.write(page, unit);
            case BLOCK_LIMITS -> limits(page, unit);
            case BLOCK_CHARACTERISTICS -> characteristics(page, unit);
            case PROVISIONING -> provisioning(page, unit);
            default -> throw new IllegalStateException("page " + code);
        }
        page.patch16(2, page.length() - HEADER);
        return true;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static void identification(Reply page, Slot slot) {
        UnitIdentity identity = slot.unit.identity();
        page.u8(BINARY).u8(UNIT_NAA).u8(0).u8(8).u64(identity.naa());
        byte[] serial = ascii(identity.serial());
        page.u8(ASCII).u8(UNIT_VENDOR).u8(0).u8(8 + serial.length);
        page.text(UnitIdentity.VENDOR, 8).bytes(serial);
        page.u8(BINARY).u8(UNIT_GROUP).u8(0).u8(4).u32(slot.unit.group());
        ScsiPort port = slot.nexus().port();
        int protocol = protocol(port);
        page.u8(protocol | BINARY).u8(PORT_RELATIVE).u8(0).u8(4).u32(port.relativeId());
        page.u8(protocol | BINARY).u8(PORT_GROUP).u8(0).u8(4);
        page.u32(slot.nexus().nexus.target().group());
        portName(page, port);
        switch (port) {
            case ScsiPort.FibreChannel(_, _, long wwnn) ->
                    page.u8(protocol | BINARY).u8(TARGET_NAA).u8(0).u8(8).u64(wwnn);
            case ScsiPort.Iscsi(_, String name, _) -> name(page, TARGET_NAME, name);
        }
    }

    private static int protocol(ScsiPort port) {
        return switch (port) {
            case ScsiPort.FibreChannel _ -> 0;
            case ScsiPort.Iscsi _ -> PROTOCOL_ISCSI << 4;
        };
    }

    private static void portName(Reply page, ScsiPort port) {
        switch (port) {
            case ScsiPort.FibreChannel(_, long wwpn, _) ->
                    page.u8(BINARY).u8(PORT_NAA).u8(0).u8(8).u64(wwpn);
            case ScsiPort.Iscsi iscsi -> name(page, PORT_NAME, iscsi.toString());
        }
    }

    /** A SCSI name string designator: ends with a zero byte, a multiple of four bytes long. */
    private static void name(Reply page, int type, String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        int length = bytes.length / 4 * 4 + 4;
        page.u8(PROTOCOL_ISCSI << 4 | UTF_8).u8(type).u8(0).u8(length);
        page.bytes(Arrays.copyOf(bytes, length));
    }

    /** Ports that the length of a page has no room for are left out. */
    private static void ports(Reply page, LogicalUnit unit) {
        for (UnitTarget target : unit.targets()) {
            for (ScsiPort port : target.ports()) {
                if (page.length() > PAGE_MAX - PORT_MAX) {
                    return;
                }
                page.u16(0).u16(port.relativeId()).u16(0).u16(0).u16(0);
                int at = page.length();
                page.u16(0);
                portName(page, port);
                page.patch16(at, page.length() - at - 2);
            }
        }
    }

    private static void limits(Reply page, LogicalUnit unit) {
        BlockGeometry geometry = unit.geometry();
        int block = geometry.logicalBlockSize();
        boolean unmaps = ProvisioningCommands.unmaps(unit);
        int granularity = Math.max(1, geometry.discardAlignment() / block);
        page.u8(0).u8(AtomicCommands.MAX_COMPARE).u16(geometry.physicalBlockSize() / block);
        page.u32(LogicalUnit.MAX_TRANSFER / block).u32(geometry.optimalIoSize() / block).u32(0);
        page.u32(unmaps ? ProvisioningCommands.MAX_UNMAP_BLOCKS : 0);
        page.u32(unmaps ? ProvisioningCommands.MAX_UNMAP_DESCRIPTORS : 0);
        page.u32(unmaps ? granularity : 0).u32(unmaps ? 0x8000_0000L : 0);
        page.u64(ProvisioningCommands.MAX_WRITE_SAME_BLOCKS);
        int atomic = AtomicCommands.maxAtomic(unit);
        // Any number up to that goes together, and what begins at a multiple of it is aligned.
        page.u32(atomic).u32(atomic > 1 ? atomic : 0).u32(0).u32(0).u32(0);
    }

    private static void characteristics(Reply page, LogicalUnit unit) {
        // Not rotating; after a block erase all blocks can be read (WABEREQ 01b).
        int erase = unit.can(BlockOperation.WRITE_ZEROES) ? 0x40 : 0;
        page.u16(1).u8(0).u8(erase).zeroes(56);
    }

    private static void provisioning(Reply page, LogicalUnit unit) {
        boolean unmaps = ProvisioningCommands.unmaps(unit);
        boolean zeroes = unit.can(BlockOperation.WRITE_ZEROES);
        int commands = unmaps ? 0xE0 : 0;
        boolean counts = unmaps && unit.room().isLimited();
        page.u8(counts ? SharedRoom.thresholdExponent(unit.blockShift()) : 0);
        page.u8(commands | (unmaps && zeroes ? 0x04 : 0)).u8(unmaps ? 2 : 0).u8(0);
    }
}
