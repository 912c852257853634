package io.vireo.testkit.hostile;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;

/**
 * A request of a virtio SCSI host device where it is in the driver's memory: header and CDB, then
 * the response with its sense data (VIRTIO 1.3, 5.6.6.1).
 */
final class ScsiPlace {
    /** The eight bytes that name LUN 0, as a big-endian number. */
    static final long LUN_0 = 0x0100_0000_0000_0000L;

    /** Bytes before the CDB. */
    static final int BEFORE_CDB = 19;

    /** Bytes of header and CDB, and of response and sense data, as the device has them at first. */
    static final int HEADER = BEFORE_CDB + 32;

    static final int RESPONSE = 12 + 96;

    /** Bytes that a place takes, whatever sizes of CDB and sense data the driver has chosen. */
    static final int SIZE = 1024;

    // VIRTIO_SCSI_S_*
    static final int OK = 0;
    static final int BAD_TARGET = 3;
    static final int FAILURE = 9;
    static final int FUNCTION_REJECTED = 11;
    static final int INCORRECT_LUN = 12;

    /** Of SAM-5. */
    static final int CHECK_CONDITION = 2;

    static final int UNIT_ATTENTION = 6;

    /** What stands where no response was written. */
    static final int PENDING = 0xEE;

    private static final int RESPONSE_AT = 512;

    private final DriverMemory memory;
    private final long at;

    ScsiPlace(DriverMemory memory, long at) {
        this.memory = memory;
        this.at = at;
    }

    /** Guest address of header and CDB. */
    long header() {
        return at;
    }

    /** Guest address of the response. */
    long response() {
        return at + RESPONSE_AT;
    }

    /** Writes the header, and what says that there is no response yet. */
    void write(long lun, long tag, byte[] cdb) {
        long host = memory.host(at);
        ForeignMemory.fill(host, RESPONSE_AT, (byte) 0);
        ForeignMemory.putLong(host, Long.reverseBytes(lun));
        ForeignMemory.putLong(host + 8, tag);
        ForeignMemory.copyFromArray(cdb, 0, host + BEFORE_CDB, cdb.length);
        ForeignMemory.fill(memory.host(response()), SIZE - RESPONSE_AT, (byte) PENDING);
    }

    int response(int offset) {
        return ForeignMemory.getByte(memory.host(response()) + offset) & 0xFF;
    }

    /** The response, or {@link #PENDING}. */
    int outcome() {
        return response(11);
    }

    int status() {
        return response(10);
    }

    int senseLength() {
        return ForeignMemory.getInt(memory.host(response()));
    }

    long residual() {
        return ForeignMemory.getInt(memory.host(response()) + 4) & 0xFFFF_FFFFL;
    }

    /** The sense key of fixed format. */
    int senseKey() {
        return response(12 + 2) & 0xF;
    }

    /** Additional sense code and its qualifier, of fixed format. */
    int senseCode() {
        return response(12 + 12) << 8 | response(12 + 13);
    }

    boolean isGood() {
        return outcome() == OK && status() == 0;
    }

    /** Whether nothing came of it but that the initiator was told something. */
    boolean isUnitAttention() {
        return outcome() == OK && status() == CHECK_CONDITION && senseKey() == UNIT_ATTENTION;
    }

    @Override
    public String toString() {
        return "response %d, status %d, sense %x/%04x, residual %d"
                .formatted(outcome(), status(), senseKey(), senseCode(), residual());
    }
}
