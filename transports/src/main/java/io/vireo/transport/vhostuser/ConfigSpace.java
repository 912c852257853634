package io.vireo.transport.vhostuser;

import io.vireo.device.VirtioDevice;

/** A device's configuration space as messages read and write it (GET_CONFIG, SET_CONFIG). */
final class ConfigSpace {
    private final VirtioDevice device;

    ConfigSpace(VirtioDevice device) {
        this.device = device;
    }

    /** The payload of the answer to GET_CONFIG. */
    byte[] read(Message message) throws ViolationException {
        int length = checkRange(message, Offer.MAX_CONFIG);
        var body = new byte[Offer.CONFIG_HEADER + length];
        System.arraycopy(message.payload(), 0, body, 0, Offer.CONFIG_HEADER);
        // Fields that only newer drivers know lie beyond ours: they read as zeros.
        int offset = message.u32(0);
        int ours = Math.min(length, device.configSize() - offset);
        if (ours > 0) {
            var bytes = new byte[ours];
            device.readConfig(offset, bytes, ours);
            System.arraycopy(bytes, 0, body, Offer.CONFIG_HEADER, ours);
        }
        return body;
    }

    /** What SET_CONFIG is to write, at the offset that its first word is. */
    byte[] contents(Message message) throws ViolationException {
        int length = checkRange(message, device.configSize());
        if (message.u32(8) != 0) {
            throw new ViolationException(
                    "the configuration is written for the driver only (flags 0)");
        }
        var bytes = new byte[length];
        System.arraycopy(message.payload(), Offer.CONFIG_HEADER, bytes, 0, length);
        return bytes;
    }

    private static int checkRange(Message message, int end) throws ViolationException {
        if (message.size() <= Offer.CONFIG_HEADER) {
            throw new ViolationException("its payload has another size");
        }
        int offset = message.u32(0);
        int length = message.u32(4);
        if (length != message.size() - Offer.CONFIG_HEADER) {
            throw new ViolationException("its size is that of its payload");
        }
        if (offset < 0 || offset > end - length) {
            throw new ViolationException("the range is in the configuration space");
        }
        return length;
    }
}
