package io.vireo.transport.iscsi;

/** Serial number arithmetic of 32 bits (RFC 1982). */
final class SerialNumber {
    private SerialNumber() {}

    /** Whether {@code a} comes before {@code b}. */
    static boolean isBefore(int a, int b) {
        return a - b < 0;
    }

    /** Whether {@code number} is one of {@code first} to {@code last}. */
    static boolean isWithin(int number, int first, int last) {
        return !isBefore(number, first) && !isBefore(last, number);
    }
}
