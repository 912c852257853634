package io.vireo.device.scsi;

import java.util.Arrays;

/**
 * Unit attention conditions of one I_T nexus with one logical unit (SAM-5, 5.14): each is reported
 * once, in the order they were established. A reset is reported instead of what was before it.
 */
final class Attentions {
    private static final int ROOM = 16;

    private final int[] codes = new int[ROOM];
    private int count;

    /**
     * Establishes one; nothing happens if it is there, or if there is no room.
     *
     * @return whether something is to be reported that was not before
     */
    boolean add(int code) {
        for (int i = 0; i < count; i++) {
            if (codes[i] == code) {
                return false;
            }
        }
        if (count == ROOM) {
            return false;
        }
        codes[count++] = code;
        return true;
    }

    /** Establishes one in place of all others. */
    void replaceAll(int code) {
        codes[0] = code;
        count = 1;
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** The first one; there is one. */
    int first() {
        return codes[0];
    }

    /** Takes the first one away. */
    int take() {
        int code = codes[0];
        remove(0);
        return code;
    }

    /** Takes one away, if it is there. */
    void clear(int code) {
        for (int i = 0; i < count; i++) {
            if (codes[i] == code) {
                remove(i);
                return;
            }
        }
    }

    private void remove(int index) {
        System.arraycopy(codes, index + 1, codes, index, count - index - 1);
        count--;
        Arrays.fill(codes, count, ROOM, 0);
    }
}
