package io.vireo.fabric.l2;

import io.vireo.fabric.l2.capture.FrameFilter;
import io.vireo.fabric.l2.packet.Headers;
import io.vireo.net.FrameBatch;
import io.vireo.reactor.ByteRing;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Copies frames of a port into the ring of a {@link Capture}, which may have no room: then it
 * counts them. A record of the ring is the time by {@link System#nanoTime}, the direction, the
 * length of the frame, and its first bytes.
 */
final class CaptureStage implements PortStage {
    /** Bytes of a record before those of the frame. */
    static final int RECORD_HEADER = 16;

    static final int DIRECTION_AT = 8;
    static final int LENGTH_AT = 12;

    static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.nativeOrder());
    static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private final Capture.Tap tap;
    private final Place place;
    private final int direction;
    private final FrameFilter filter;
    private final int snapLength;
    private final Headers headers;

    /**
     * @param direction as {@code epb_flags} of pcapng has it
     */
    CaptureStage(
            Capture.Tap tap,
            Place place,
            int direction,
            FrameFilter filter,
            int snapLength,
            Headers headers) {
        this.tap = tap;
        this.place = place;
        this.direction = direction;
        this.filter = filter;
        this.snapLength = snapLength;
        this.headers = headers;
    }

    @Override
    public Place place() {
        return place;
    }

    @Override
    public int apply(Pass pass, int[] index, int count) {
        var ring = tap.ring;
        // What a fault of memory interrupted was not published.
        ring.rollback();
        long nanos = System.nanoTime();
        int accepted = 0;
        int dropped = 0;
        for (int k = 0; k < count; k++) {
            if (takes(pass, index[k])) {
                accepted++;
                if (!copy(ring, pass.batch, index[k], nanos)) {
                    dropped++;
                }
            }
        }
        ring.publish();
        tap.count(count, accepted, dropped);
        return count;
    }

    private boolean takes(Pass pass, int i) {
        if (filter.isEmpty()) {
            return true;
        }
        headers.read(i, pass.tagged[i]);
        return filter.takes(headers, pass.vlan[i]);
    }

    private boolean copy(ByteRing ring, FrameBatch batch, int i, long nanos) {
        int length = batch.length[i] + batch.vlanDelta(i);
        int captured = Math.min(length, snapLength);
        int at = ring.claim(RECORD_HEADER + captured);
        if (at == ByteRing.NONE) {
            return false;
        }
        var bytes = ring.array();
        LONG.set(bytes, at, nanos);
        INT.set(bytes, at + DIRECTION_AT, direction);
        INT.set(bytes, at + LENGTH_AT, length);
        batch.copyOut(i, bytes, at + RECORD_HEADER, captured);
        return true;
    }

    /** Whether it fills this ring. */
    boolean isOf(Capture.Tap other) {
        return tap == other;
    }

    @Override
    public void close() {
        tap.end();
    }
}
