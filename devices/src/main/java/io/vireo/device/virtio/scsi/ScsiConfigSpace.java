package io.vireo.device.virtio.scsi;

import io.vireo.scsi.ScsiTask;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The configuration space, struct virtio_scsi_config of VIRTIO 1.3, 5.6.4. */
final class ScsiConfigSpace {
    static final int SIZE = 36;

    private static final int SENSE_SIZE = 20;
    private static final int CDB_SIZE = 24;
    private static final int SECTOR = 512;
    private static final int COMMANDS_PER_LUN = 128;
    private static final int MAX_LUN = 16383;
    private static final int SEG_MAX = 126;

    private volatile int senseSize = ScsiProtocol.SENSE_SIZE;
    private volatile int cdbSize = ScsiProtocol.CDB_SIZE;

    /** Bytes of sense data in a response. */
    int senseSize() {
        return senseSize;
    }

    /** Bytes of the CDB in a request. */
    int cdbSize() {
        return cdbSize;
    }

    /** The space as the driver reads it. */
    byte[] encode(int requestQueues, int maxTransferBytes) {
        byte[] space = new byte[SIZE];
        ByteBuffer out = ByteBuffer.wrap(space).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(requestQueues).putInt(SEG_MAX).putInt(maxTransferBytes / SECTOR);
        out.putInt(COMMANDS_PER_LUN).putInt(ScsiProtocol.EVENT).putInt(senseSize).putInt(cdbSize);
        out.putShort((short) 0).putShort((short) 0).putInt(MAX_LUN);
        return space;
    }

    /** Writes one of the two fields that a driver may write; false: nothing was changed. */
    boolean write(int offset, byte[] source, int length) {
        if (length != Integer.BYTES) {
            return false;
        }
        int value = ByteBuffer.wrap(source).order(ByteOrder.LITTLE_ENDIAN).getInt();
        if (offset == SENSE_SIZE && value >= 0 && value <= ScsiTask.MAX_SENSE) {
            senseSize = value;
            return true;
        }
        if (offset == CDB_SIZE && value >= 1 && value <= ScsiTask.MAX_CDB) {
            cdbSize = value;
            return true;
        }
        return false;
    }

    /** Back to the defaults. */
    void reset() {
        senseSize = ScsiProtocol.SENSE_SIZE;
        cdbSize = ScsiProtocol.CDB_SIZE;
    }
}
