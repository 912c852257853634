package io.vireo.testkit;

import io.vireo.device.VirtioDevice;
import io.vireo.linux.ForeignMemory;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.VirtqueueConfig;
import io.vireo.virtqueue.VirtqueueException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A guest's driver of a network device (VIRTIO 1.3, 5.1): its memory and one pair of queues. Sends
 * in any framing, posts receive buffers of any size. On the thread that runs the device.
 */
public final class NetDriver implements AutoCloseable {
    /** VIRTIO_NET_F_MRG_RXBUF. */
    public static final long MRG_RXBUF = 1L << 15;

    private static final int RECEIVE = 0;
    private static final int TRANSMIT = 1;
    private static final long HASH_REPORT = 1L << 57;
    private static final int HASH_HEADER = 20;
    private static final int MODERN_HEADER = 12;
    private static final int LEGACY_HEADER = 10;

    /** A frame that the device delivered. */
    public record Received(byte[] header, byte[] frame, int buffers) {}

    private record Buffer(long[] addresses, int[] lengths) {}

    private final DriverMemory memory;
    private final int pair;
    private DriverQueue receive;
    private DriverQueue transmit;
    private final long features;
    private @Nullable DriverQueue control;
    private final VirtioDevice device;
    private final List<Virtqueue> queues = new ArrayList<>();
    private final Map<Integer, Buffer> posted = new HashMap<>();
    private final Map<Integer, Integer> sending = new HashMap<>();
    private final AtomicInteger notified = new AtomicInteger();
    private final List<String> failures = new ArrayList<>();

    /** A guest whose driver took {@code features}; starts both queues of pair 0. */
    public NetDriver(VirtioDevice device, int queueSize, long features) {
        this(device, queueSize, features, 0);
    }

    /** As above, for another pair of queues, with memory of its own. */
    public NetDriver(VirtioDevice device, int queueSize, long features, int pair) {
        this.device = device;
        this.features = features;
        this.pair = pair;
        memory = new DriverMemory(64L << 20);
        receive = DriverQueue.of(memory, queueSize, features);
        transmit = DriverQueue.of(memory, queueSize, features);
        device.negotiated(features);
        queues.add(start(2 * pair + RECEIVE, receive));
        queues.add(start(2 * pair + TRANSMIT, transmit));
    }

    private Virtqueue start(int index, DriverQueue driver) {
        var config =
                new VirtqueueConfig(
                        index,
                        driver.size(),
                        driver.addresses(),
                        DriverQueue.base(driver.size(), features, 0),
                        features,
                        memory.table(),
                        notified::incrementAndGet,
                        Optional.empty(),
                        (_, cause) -> failures.add(cause));
        try {
            var queue = config.activate();
            device.startQueue(index, queue);
            return queue;
        } catch (VirtqueueException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Starts the control queue, which is number {@code index}. */
    public void startControl(int index, int queueSize) {
        control = DriverQueue.of(memory, queueSize, features);
        queues.add(start(index, control));
    }

    /**
     * Resets one queue (VIRTIO 1.3, 2.6.1): what was posted or sent is the driver's again, used or
     * not.
     *
     * @param receiver the receiveq; otherwise the transmitq
     */
    public void stop(boolean receiver) {
        int index = receiver ? RECEIVE : TRANSMIT;
        device.stopQueue(2 * pair + index, () -> queues.get(index).stop());
        (receiver ? posted : sending).clear();
    }

    /** Enables a queue after its reset: another one, of this size, elsewhere. */
    public void restart(boolean receiver, int queueSize) {
        var driver = DriverQueue.of(memory, queueSize, features);
        if (receiver) {
            receive = driver;
        } else {
            transmit = driver;
        }
        int index = receiver ? RECEIVE : TRANSMIT;
        queues.set(index, start(2 * pair + index, driver));
    }

    /**
     * Sends a command by the control queue (VIRTIO 1.3, 5.1.6.5) and runs the device.
     *
     * @param room for the acknowledgement and what follows it, in bytes
     * @return what the device wrote there
     */
    public byte[] command(int type, int command, byte[] data, int room) {
        var bytes = ByteBuffer.allocate(2 + data.length).put((byte) type).put((byte) command);
        return control(bytes.put(data).array(), room);
    }

    /** Sends any bytes by the control queue. */
    public byte[] control(byte[] bytes, int room) {
        var queue = control;
        if (queue == null) {
            throw new IllegalStateException("there is no control queue");
        }
        long at = memory.allocate(bytes.length + room, 1);
        ForeignMemory.copyFromArray(bytes, 0, memory.host(at), bytes.length);
        queue.add(
                new long[] {at, at + bytes.length},
                new int[] {bytes.length, room},
                room > 0 ? 2 : 1,
                1);
        queue.publish();
        queues.getLast().kick();
        if (!queue.poll()) {
            throw new IllegalStateException("the command was not answered");
        }
        var answer = new byte[queue.usedLength()];
        ForeignMemory.copyToArray(memory.host(at + bytes.length), answer, 0, answer.length);
        return answer;
    }

    /** Bytes of the header before each frame. */
    public int headerSize() {
        if ((features & HASH_REPORT) != 0) {
            return HASH_HEADER;
        }
        return (features & (Virtqueue.VERSION_1 | MRG_RXBUF)) != 0 ? MODERN_HEADER : LEGACY_HEADER;
    }

    /** The guest's memory. */
    public DriverMemory memory() {
        return memory;
    }

    /** The driver's side of transmitq. */
    public DriverQueue transmit() {
        return transmit;
    }

    /** The device's side of the queues: receiveq, transmitq. */
    public List<Virtqueue> queues() {
        return queues;
    }

    /** Used buffer notifications so far. */
    public int notified() {
        return notified.get();
    }

    /** Why queues broke. */
    public List<String> failures() {
        return failures;
    }

    /** Posts a receive buffer of ranges of these lengths. */
    public void post(int... lengths) {
        var addresses = new long[lengths.length];
        for (int i = 0; i < lengths.length; i++) {
            addresses[i] = memory.allocate(lengths[i], 1);
        }
        int head = receive.add(addresses, lengths, lengths.length, 0);
        posted.put(head, new Buffer(addresses, lengths));
        receive.publish();
    }

    /** Posts {@code count} buffers of {@code length} bytes. */
    public void post(int count, int length) {
        for (int i = 0; i < count; i++) {
            post(new int[] {length});
        }
    }

    /** Sends a frame as it is, header and frame in one range. */
    public void send(byte[] frame) {
        send(new byte[headerSize()], frame, headerSize() + frame.length);
    }

    /** Sends a frame with something left to do, see {@link io.vireo.net.Offload}. */
    public void send(byte[] frame, long offload, int checksumOffset) {
        send(header(offload, checksumOffset), frame, headerSize() + frame.length);
    }

    /** Makes a header. */
    public byte[] header(long offload, int checksumOffset) {
        return ByteBuffer.allocate(headerSize())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(offload)
                .putShort((short) checksumOffset)
                .array();
    }

    /** Sends header and frame in ranges of these lengths, the last one taking the rest. */
    public void send(byte[] header, byte[] frame, int... framing) {
        var bytes =
                ByteBuffer.allocate(header.length + frame.length).put(header).put(frame).array();
        var addresses = new ArrayList<Long>();
        var lengths = new ArrayList<Integer>();
        int offset = 0;
        for (int i = 0; offset < bytes.length; i++) {
            int left = bytes.length - offset;
            int piece = i < framing.length - 1 ? Math.min(framing[i], left) : left;
            long at = memory.allocate(piece, 1);
            ForeignMemory.copyFromArray(bytes, offset, memory.host(at), piece);
            addresses.add(at);
            lengths.add(piece);
            offset += piece;
        }
        int head =
                transmit.add(
                        addresses.stream().mapToLong(Long::longValue).toArray(),
                        lengths.stream().mapToInt(Integer::intValue).toArray(),
                        addresses.size(),
                        addresses.size());
        sending.merge(head, 1, Integer::sum);
        transmit.publish();
    }

    /** Takes the completions of what was sent; returns their number. Each must have length 0. */
    public int completed() {
        int count = 0;
        while (transmit.poll()) {
            if (transmit.usedLength() != 0 || sending.remove(transmit.usedHead()) == null) {
                throw new IllegalStateException("completion of " + transmit.usedHead());
            }
            count++;
        }
        return count;
    }

    /** Takes what the device delivered, buffers merged. */
    public List<Received> received() {
        var frames = new ArrayList<Received>();
        while (receive.poll()) {
            var bytes = new ByteArrayOutputStream();
            take(bytes);
            var header = new byte[Math.min(headerSize(), bytes.size())];
            System.arraycopy(bytes.toByteArray(), 0, header, 0, header.length);
            int buffers =
                    header.length >= MODERN_HEADER
                            ? Byte.toUnsignedInt(header[10]) | Byte.toUnsignedInt(header[11]) << 8
                            : 1;
            for (int i = 1; i < buffers; i++) {
                if (!receive.poll()) {
                    throw new IllegalStateException(
                            "buffer " + i + " of " + buffers + " is not there");
                }
                take(bytes);
            }
            var all = bytes.toByteArray();
            var frame = java.util.Arrays.copyOfRange(all, header.length, all.length);
            frames.add(new Received(header, frame, buffers));
        }
        return frames;
    }

    private void take(ByteArrayOutputStream bytes) {
        var buffer = posted.remove(receive.usedHead());
        if (buffer == null) {
            throw new IllegalStateException("buffer " + receive.usedHead() + " was not posted");
        }
        int left = receive.usedLength();
        for (int i = 0; i < buffer.lengths.length && left > 0; i++) {
            var piece = new byte[Math.min(left, buffer.lengths[i])];
            ForeignMemory.copyToArray(memory.host(buffer.addresses[i]), piece, 0, piece.length);
            bytes.writeBytes(piece);
            left -= piece.length;
        }
    }

    /** Buffers that are posted and not used. */
    public int posted() {
        return posted.size();
    }

    @Override
    public void close() {
        memory.close();
    }
}
