package io.vireo.device.scsi;

import java.util.Optional;

/** Mode pages (SPC-4, 7.5 and SBC-3, 6.5): one set for all nexuses, not saved. */
final class ModePages {
    /** Which values of a page are asked for. */
    enum Control {
        CURRENT,
        CHANGEABLE,
        DEFAULT,
        SAVED
    }

    /** Asks for all pages. */
    static final int ALL = 0x3F;

    private static final int ERROR_RECOVERY = 0x01;
    private static final int CACHING = 0x08;
    private static final int CONTROL = 0x0A;
    private static final int EXCEPTIONS = 0x1C;
    private static final int[] CODES = {ERROR_RECOVERY, CACHING, CONTROL, EXCEPTIONS};

    private static final int WCE = 0x04;
    private static final int D_SENSE = 0x04;
    private static final int GLTSD = 0x02;
    private static final int UNRESTRICTED_REORDERING = 0x10;
    private static final int SWP = 0x08;
    private static final int TAS = 0x40;

    private boolean writeCache = true;
    private boolean descriptorSense;
    private boolean softwareWriteProtect;
    private boolean taskAbortedStatus;

    /** Writes may end before they are durable. */
    boolean writeCache() {
        return writeCache;
    }

    /** Sense data has descriptor format. */
    boolean descriptorSense() {
        return descriptorSense;
    }

    boolean softwareWriteProtect() {
        return softwareWriteProtect;
    }

    /** Tasks that another nexus aborts end with TASK ABORTED. */
    boolean taskAbortedStatus() {
        return taskAbortedStatus;
    }

    /** Back to the default values. */
    void reset() {
        writeCache = true;
        descriptorSense = false;
        softwareWriteProtect = false;
        taskAbortedStatus = false;
    }

    /** Writes a page, or all; false: there is none of this code. */
    boolean write(Reply reply, int code, Control control) {
        boolean found = false;
        for (int known : CODES) {
            if (code == ALL || code == known) {
                page(known, control).ifPresent(reply::bytes);
                found = true;
            }
        }
        return found;
    }

    /** The page of a code. */
    Optional<byte[]> page(int code, Control control) {
        byte[] page;
        switch (code) {
            case ERROR_RECOVERY, EXCEPTIONS -> page = begin(code, 12);
            case CACHING -> {
                page = begin(code, 20);
                page[2] = bit(control, WCE, writeCache, true);
            }
            case CONTROL -> {
                page = begin(code, 12);
                page[2] = bit(control, D_SENSE, descriptorSense, false);
                page[4] = bit(control, SWP, softwareWriteProtect, false);
                page[5] = bit(control, TAS, taskAbortedStatus, false);
                if (control != Control.CHANGEABLE) {
                    page[2] |= GLTSD;
                    page[3] = UNRESTRICTED_REORDERING;
                    // No limit to how long a command may be BUSY.
                    Bytes.put16(page, 8, 0xFFFF);
                }
            }
            default -> {
                return Optional.empty();
            }
        }
        return Optional.of(page);
    }

    private static byte[] begin(int code, int length) {
        byte[] page = new byte[length];
        page[0] = (byte) code;
        page[1] = (byte) (length - 2);
        return page;
    }

    private static byte bit(Control control, int mask, boolean current, boolean byDefault) {
        boolean on =
                switch (control) {
                    case CURRENT -> current;
                    case CHANGEABLE -> true;
                    case DEFAULT, SAVED -> byDefault;
                };
        return (byte) (on ? mask : 0);
    }

    /** Takes over a page that was checked: it differs from the current one in changeable bits. */
    void set(byte[] page) {
        switch (page[0] & 0x3F) {
            case CACHING -> writeCache = (page[2] & WCE) != 0;
            case CONTROL -> {
                descriptorSense = (page[2] & D_SENSE) != 0;
                softwareWriteProtect = (page[4] & SWP) != 0;
                taskAbortedStatus = (page[5] & TAS) != 0;
            }
            default -> {
                // Nothing of the other pages can be changed.
            }
        }
    }
}
