package io.vireo.device.scsi;

import io.vireo.block.BlockOperation;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * A command that logical units support.
 *
 * @param opcode operation code
 * @param serviceAction of byte 1, or {@link #NO_SERVICE_ACTION}
 * @param access what reservations are in its way
 * @param traits bits of {@link #MODIFIES} and the like
 * @param usage bits of the CDB that are looked at, in the form of REPORT SUPPORTED OPERATION CODES
 *     (SPC-4, 6.35.3); as long as the CDB
 * @param reserved the other bits of its first 16 bytes, eight bytes each, the first one lowest
 * @param handler carries it out
 */
record Command(
        int opcode,
        int serviceAction,
        Access access,
        int traits,
        byte[] usage,
        long[] reserved,
        Handler handler) {
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    static final int NO_SERVICE_ACTION = -1;

    /** It changes the medium: not on a unit that is write protected. */
    static final int MODIFIES = 1;

    /** Nothing else runs while it does. */
    static final int EXCLUSIVE = 2;

    /** Carried out with a unit attention pending (SAM-5, 5.14). */
    static final int IGNORES_ATTENTION = 4;

    /** Carried out in every state: while being formatted, in standby. */
    static final int ANY_STATE = 8;

    /** Only of units whose blocks can be given back. */
    static final int NEEDS_UNMAP = 16;

    /** Only of units whose disk makes blocks read as zeroes by itself. */
    static final int NEEDS_ZEROES = 32;

    /**
     * It does nothing but I/O, and what it leaves is the same when it is carried out anew from its
     * beginning, however much of it was carried out before.
     */
    static final int REPEATABLE = 64;

    /** Only of units of which a loss of power leaves each block whole. */
    static final int NEEDS_WHOLE_BLOCKS = 128;

    /**
     * Carried out also by a way in standby (SPC-4, 5.16.2.4.4), and while the unit is stopped: it
     * needs no medium.
     */
    static final int NEEDS_NO_MEDIUM = 256;

    /** Operation code of CDBs of more than 16 bytes, whose service action is in bytes 8 and 9. */
    static final int VARIABLE_LENGTH = 0x7F;

    /** CDBs of variable length have 32 bytes here: what follows their byte 7. */
    private static final int ADDITIONAL_LENGTH = 0x18;

    private static final int SERVICE_ACTION_MASK = 0x1F;

    /**
     * A command without service action; {@code usage} in hexadecimal, its first byte the opcode.
     */
    static Command of(String usage, Access access, int traits, Handler handler) {
        byte[] bits = bits(usage);
        return make(NO_SERVICE_ACTION, access, traits, bits, handler);
    }

    /** A command with a service action, which is where {@link #actionOf} finds it. */
    static Command withAction(String usage, Access access, int traits, Handler handler) {
        byte[] bits = bits(usage);
        return make(actionOf(bits), access, traits, bits, handler);
    }

    private static Command make(
            int action, Access access, int traits, byte[] usage, Handler handler) {
        int opcode = Bytes.u8(usage, 0);
        byte[] first = new byte[2 * Long.BYTES];
        for (int i = 1; i < Math.min(first.length, usage.length); i++) {
            first[i] = (byte) ~mask(opcode, action, usage, i);
        }
        long[] reserved = {(long) LONG.get(first, 0), (long) LONG.get(first, Long.BYTES)};
        return new Command(opcode, action, access, traits, usage, reserved, handler);
    }

    /** Bits of a byte of the CDB that may be set. */
    private static int mask(int opcode, int action, byte[] usage, int i) {
        boolean withAction = i == 1 && action != NO_SERVICE_ACTION && opcode != VARIABLE_LENGTH;
        return usage[i] & 0xFF | (withAction ? SERVICE_ACTION_MASK : 0);
    }

    /** The service action that a CDB names, if its operation code has any. */
    static int actionOf(byte[] cdb) {
        return Bytes.u8(cdb, 0) == VARIABLE_LENGTH
                ? Bytes.u16(cdb, 8)
                : cdb[1] & SERVICE_ACTION_MASK;
    }

    /** The byte of a CDB in which its service action begins. */
    static int actionAt(byte[] cdb) {
        return Bytes.u8(cdb, 0) == VARIABLE_LENGTH ? 8 : 1;
    }

    private static byte[] bits(String usage) {
        return HexFormat.of().parseHex(usage.replace(" ", ""));
    }

    boolean has(int trait) {
        return (traits & trait) != 0;
    }

    /** Whether a unit has this command: that depends on its disk. */
    boolean isOf(LogicalUnit unit) {
        return (!has(NEEDS_UNMAP) || ProvisioningCommands.unmaps(unit))
                && (!has(NEEDS_ZEROES) || unit.can(BlockOperation.WRITE_ZEROES))
                && (!has(NEEDS_WHOLE_BLOCKS) || unit.geometry().keepsBlocksWhole());
    }

    /**
     * Whether it would do something else when it is carried out again, or say so: COMPARE AND WRITE
     * finds what it has written itself, PERSISTENT RESERVE OUT the key that it has registered.
     */
    boolean changesOnce() {
        boolean changes = has(MODIFIES) || access == Access.WRITE || access == Access.OWN;
        return changes && !has(REPEATABLE);
    }

    boolean hasServiceAction() {
        return serviceAction != NO_SERVICE_ACTION;
    }

    /** Bytes of the CDB. */
    int length() {
        return usage.length;
    }

    /**
     * The first bit that is set and must not be, or the length of a CDB of variable length that is
     * wrong, as a sense key specific field; {@link Sense#NO_SPECIFIC} if there is none.
     *
     * @param cdb in an array of 16 bytes at least
     */
    int reservedBit(byte[] cdb) {
        long excess =
                (long) LONG.get(cdb, 0) & reserved[0]
                        | (long) LONG.get(cdb, Long.BYTES) & reserved[1];
        return excess == 0 && usage.length <= 2 * Long.BYTES
                ? Sense.NO_SPECIFIC
                : firstReservedBit(cdb);
    }

    private int firstReservedBit(byte[] cdb) {
        if (opcode == VARIABLE_LENGTH && cdb[7] != ADDITIONAL_LENGTH) {
            return Sense.cdbByte(7);
        }
        for (int i = 1; i < usage.length; i++) {
            int excess = cdb[i] & 0xFF & ~mask(opcode, serviceAction, usage, i);
            if (excess != 0) {
                return Sense.cdbBit(i, Integer.SIZE - 1 - Integer.numberOfLeadingZeros(excess));
            }
        }
        return Sense.NO_SPECIFIC;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Command(int op, int action, _, _, _, _, _)
                && op == opcode
                && action == serviceAction;
    }

    @Override
    public int hashCode() {
        return opcode << 8 | serviceAction & 0xFF;
    }

    @Override
    public String toString() {
        return "Command " + HexFormat.of().formatHex(usage) + " " + Arrays.hashCode(usage);
    }
}
