package io.vireo.device.scsi;

import io.vireo.scsi.ScsiInitiator;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;

/** TransportIDs (SPC-4, 7.6.4). */
final class TransportIds {
    private static final int FIBRE_CHANNEL = 0;
    private static final int ISCSI = 5;
    private static final int ISCSI_PORT_FORMAT = 0x40;
    private static final int FORMAT = 0xC0;
    private static final int PROTOCOL = 0x0F;
    private static final int SHORTEST = 24;
    private static final String PORT_SEPARATOR = ",i,0x";
    private static final int ISID_DIGITS = 12;

    private TransportIds() {}

    /**
     * A TransportID that was read.
     *
     * @param initiator the port; of an iSCSI device without a port: ISID 0, and {@code anyPort}
     * @param anyPort whether it means all ports of that name
     * @param length bytes
     */
    record Parsed(ScsiInitiator initiator, boolean anyPort, int length) {}

    /** The TransportID of an initiator port. */
    static byte[] encode(ScsiInitiator initiator) {
        return switch (initiator) {
            case ScsiInitiator.FibreChannel(long wwpn) -> {
                byte[] id = new byte[SHORTEST];
                Bytes.put64(id, 8, wwpn);
                yield id;
            }
            case ScsiInitiator.Iscsi iscsi -> {
                byte[] name = iscsi.toString().getBytes(StandardCharsets.UTF_8);
                int length = Math.max(SHORTEST - 4, name.length / 4 * 4 + 4);
                byte[] id = new byte[4 + length];
                id[0] = ISCSI_PORT_FORMAT | ISCSI;
                Bytes.put16(id, 2, length);
                System.arraycopy(name, 0, id, 4, name.length);
                yield id;
            }
        };
    }

    /** Reads the TransportID that begins at {@code offset}; nothing if there is no valid one. */
    static Optional<Parsed> parse(byte[] list, int offset, int end) {
        if (end - offset < SHORTEST) {
            return Optional.empty();
        }
        return switch (list[offset] & PROTOCOL) {
            case FIBRE_CHANNEL ->
                    (list[offset] & FORMAT) != 0
                            ? Optional.empty()
                            : Optional.of(
                                    new Parsed(
                                            new ScsiInitiator.FibreChannel(
                                                    Bytes.u64(list, offset + 8)),
                                            false,
                                            SHORTEST));
            case ISCSI -> parseIscsi(list, offset, end);
            default -> Optional.empty();
        };
    }

    private static Optional<Parsed> parseIscsi(byte[] list, int offset, int end) {
        int length = Bytes.u16(list, offset + 2);
        int format = list[offset] & FORMAT;
        if (length < SHORTEST - 4
                || length % 4 != 0
                || length > end - offset - 4
                || (format != 0 && format != ISCSI_PORT_FORMAT)) {
            return Optional.empty();
        }
        byte[] field = Arrays.copyOfRange(list, offset + 4, offset + 4 + length);
        int zero = 0;
        while (zero < field.length && field[zero] != 0) {
            zero++;
        }
        if (zero == field.length) {
            return Optional.empty();
        }
        String text = new String(field, 0, zero, StandardCharsets.UTF_8);
        return initiator(text, format == 0)
                .map(initiator -> new Parsed(initiator, format == 0, 4 + length));
    }

    private static Optional<ScsiInitiator> initiator(String text, boolean anyPort) {
        try {
            if (anyPort) {
                return Optional.of(new ScsiInitiator.Iscsi(text, 0));
            }
            int at = text.indexOf(PORT_SEPARATOR);
            String digits = at < 0 ? "" : text.substring(at + PORT_SEPARATOR.length());
            if (digits.isEmpty() || digits.length() > ISID_DIGITS) {
                return Optional.empty();
            }
            return Optional.of(
                    new ScsiInitiator.Iscsi(
                            text.substring(0, at), HexFormat.fromHexDigitsToLong(digits)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
