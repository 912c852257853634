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

    /** Asks for all subpages. */
    static final int ALL_SUBPAGES = 0xFF;

    /** Pages are known by their codes, and subpages by theirs shifted left by so much, too. */
    private static final int SUBPAGE = 8;

    private static final int ERROR_RECOVERY = 0x01;
    private static final int CACHING = 0x08;
    private static final int CONTROL = 0x0A;
    private static final int EXCEPTIONS = 0x1C;

    /** Logical block provisioning, a subpage of the former (SBC-3, 6.5.6). */
    private static final int PROVISIONING = 0x02 << SUBPAGE | EXCEPTIONS;

    private static final int[] PAGES = {ERROR_RECOVERY, CACHING, CONTROL, EXCEPTIONS, PROVISIONING};

    /** Where the one threshold begins in its page. */
    static final int THRESHOLD = 16;

    private static final int SUBPAGE_FORMAT = 0x40;
    private static final int LBPERE = 0x80;

    /** Enabled, soft, armed increasing; and that it is about what is used. */
    private static final int THRESHOLD_ENABLED = 0x81;

    private static final int USED = 0x02;

    private static final int WCE = 0x04;
    private static final int D_SENSE = 0x04;
    private static final int GLTSD = 0x02;
    private static final int UNRESTRICTED_REORDERING = 0x10;
    private static final int SWP = 0x08;
    private static final int TAS = 0x40;

    private final SharedRoom room;
    private boolean writeCache = true;
    private boolean writeThrough;
    private boolean thresholds = true;
    private boolean descriptorSense;
    private boolean softwareWriteProtect;
    private boolean taskAbortedStatus;

    ModePages(SharedRoom room) {
        this.room = room;
    }

    /** The number of the page that begins at an offset. */
    static int number(byte[] list, int at) {
        int code = list[at] & ALL;
        return (list[at] & SUBPAGE_FORMAT) == 0 ? code : Bytes.u8(list, at + 1) << SUBPAGE | code;
    }

    /** Bytes of the header of the page that begins at an offset. */
    static int header(byte[] list, int at) {
        return (list[at] & SUBPAGE_FORMAT) == 0 ? 2 : 4;
    }

    /** Initiators are told when the pool is nearly full. */
    boolean reportsThresholds() {
        return thresholds && room.isLimited();
    }

    /** Writes may end before they are durable, unless a nexus counts on the contrary. */
    boolean writeCache() {
        return writeCache && !writeThrough;
    }

    boolean writeThrough() {
        return writeThrough;
    }

    /** Whether a page, or all, is or has the caching page, which says whether there is a cache. */
    static boolean hasCaching(int code, int subpage) {
        return (code == CACHING || code == ALL) && (subpage == 0 || subpage == ALL_SUBPAGES);
    }

    /** The disk writes through, or not: then WCE is 0 and stays so, whatever initiators want. */
    void writeThrough(boolean on) {
        writeThrough = on;
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
        thresholds = true;
        descriptorSense = false;
        softwareWriteProtect = false;
        taskAbortedStatus = false;
    }

    /** Writes a page, or all; false: there is none of this code. */
    boolean write(Reply reply, int code, int subpage, Control control) {
        int before = reply.length();
        for (int known : PAGES) {
            boolean sub = subpage == ALL_SUBPAGES || subpage == known >> SUBPAGE;
            if (sub && (code == ALL || code == (known & ALL))) {
                page(known, control).ifPresent(reply::bytes);
            }
        }
        return reply.length() > before;
    }

    /** The page of a {@link #number}. */
    Optional<byte[]> page(int code, Control control) {
        byte[] page;
        switch (code) {
            case EXCEPTIONS -> page = begin(code, 12);
            case ERROR_RECOVERY -> {
                page = begin(code, 12);
                page[7] = room.isLimited() ? bit(control, LBPERE, thresholds, true) : 0;
            }
            case PROVISIONING -> {
                if (!room.isLimited()) {
                    return Optional.empty();
                }
                page = provisioning(control);
            }
            case CACHING -> {
                page = begin(code, 20);
                page[2] = writeThrough ? 0 : bit(control, WCE, writeCache, true);
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

    private byte[] provisioning(Control control) {
        byte[] page = new byte[THRESHOLD + 8];
        page[0] = SUBPAGE_FORMAT | EXCEPTIONS;
        page[1] = PROVISIONING >> SUBPAGE;
        Bytes.put16(page, 2, page.length - 4);
        if (control != Control.CHANGEABLE) {
            page[THRESHOLD] = (byte) THRESHOLD_ENABLED;
            page[THRESHOLD + 1] = USED;
            Bytes.put32(page, THRESHOLD + 4, room.threshold());
        }
        return page;
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
        switch (number(page, 0)) {
            case ERROR_RECOVERY -> thresholds = !room.isLimited() || (page[7] & LBPERE) != 0;
            case CACHING -> {
                if (!writeThrough) {
                    writeCache = (page[2] & WCE) != 0;
                }
            }
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
