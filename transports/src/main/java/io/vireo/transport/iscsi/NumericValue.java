package io.vireo.transport.iscsi;

import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/** Values of keys that are numbers or bytes (RFC 7143, 6.1). */
final class NumericValue {
    private static final int MAX_DIGITS = 18;

    private NumericValue() {}

    /** A decimal or hexadecimal constant below 2^63; empty if it is neither. */
    static OptionalLong number(String text) {
        boolean hex = text.startsWith("0x") || text.startsWith("0X");
        String digits = hex ? text.substring(2) : text;
        if (digits.isEmpty() || digits.length() > MAX_DIGITS) {
            return OptionalLong.empty();
        }
        int radix = hex ? 16 : 10;
        for (int i = 0; i < digits.length(); i++) {
            char digit = digits.charAt(i);
            if (digit > 'f' || Character.digit(digit, radix) < 0) {
                return OptionalLong.empty();
            }
        }
        try {
            return OptionalLong.of(Long.parseLong(digits, radix));
        } catch (NumberFormatException tooLarge) {
            return OptionalLong.empty();
        }
    }

    /**
     * A hexadecimal or base64 constant.
     *
     * @return its bytes; empty if it is neither, or has none
     */
    static Optional<byte[]> bytes(String text) {
        if (text.length() < 3 || text.charAt(0) != '0') {
            return Optional.empty();
        }
        String digits = text.substring(2);
        try {
            return switch (text.substring(1, 2).toLowerCase(Locale.ROOT)) {
                case "x" ->
                        Optional.of(
                                HexFormat.of()
                                        .parseHex(
                                                digits.length() % 2 == 0 ? digits : "0" + digits));
                case "b" -> Optional.of(Base64.getDecoder().decode(digits));
                default -> Optional.empty();
            };
        } catch (IllegalArgumentException malformed) {
            return Optional.empty();
        }
    }

    /** The hexadecimal constant of these bytes. */
    static String hex(byte[] bytes) {
        return "0x" + HexFormat.of().formatHex(bytes);
    }
}
