package io.vireo.device.scsi;

import java.util.HashSet;
import java.util.Set;

/**
 * Relative target port identifiers and target port group numbers, or numbers of logical unit
 * groups, 1 to 65535 each, of one host: a logical unit that is mapped by several targets has ports
 * of all of them. A name gets the same number again where that is free. Thread safe.
 */
final class PortNumbers {
    private static final int LAST = 0xFFFF;

    private final Set<Integer> taken = new HashSet<>();

    /**
     * Takes a free number for a name.
     *
     * @throws IllegalStateException if there is none
     */
    synchronized int take(String name) {
        int first = Math.floorMod(name.hashCode(), LAST);
        for (int i = 0; i < LAST; i++) {
            int number = (first + i) % LAST + 1;
            if (taken.add(number)) {
                return number;
            }
        }
        throw new IllegalStateException(
                "all " + LAST + " SCSI numbers of ports or units are in use");
    }

    /** Gives a number back. */
    synchronized void release(int number) {
        taken.remove(number);
    }
}
