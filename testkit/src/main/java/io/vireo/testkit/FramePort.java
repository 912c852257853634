package io.vireo.testkit;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Mapping;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.reactor.Reactor;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * A port whose other side is a test: frames go in by {@link #arrive} and come out in {@link #sent}.
 * One thread.
 */
public final class FramePort implements NetPort {
    private static final int SLOT = 1 << 17;

    private final String name;
    private final int mtu;
    private final Mapping memory;
    private final Deque<byte[]> waiting = new ArrayDeque<>();
    private final Deque<Long> offloads = new ArrayDeque<>();
    private final Deque<Integer> checksumOffsets = new ArrayDeque<>();
    private final List<byte[]> unflushed = new ArrayList<>();
    private final List<byte[]> sent = new ArrayList<>();
    private PortState state = PortState.UP;
    private int room = Integer.MAX_VALUE;
    private int borrowed;
    private boolean faulty;
    private Runnable cameUp = () -> {};

    public FramePort(String name, int mtu) {
        this.name = name;
        this.mtu = mtu;
        try {
            memory = Mapping.anonymous((long) FrameBatch.CAPACITY * SLOT);
        } catch (ErrnoException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The other side sends a frame. */
    public void arrive(byte[] frame) {
        arrive(frame, 0);
    }

    /** The other side sends a frame with something left to do, see {@link io.vireo.net.Offload}. */
    public void arrive(byte[] frame, long offload) {
        arrive(frame, offload, 0);
    }

    /** The other side sends a frame whose checksum is to be put at an offset from its start. */
    public void arrive(byte[] frame, long offload, int checksumOffset) {
        waiting.add(frame);
        offloads.add(offload);
        checksumOffsets.add(checksumOffset);
    }

    /** What the other side got, removed from here. */
    public List<byte[]> sent() {
        var all = List.copyOf(sent);
        sent.clear();
        return all;
    }

    /** Takes the link up or down. */
    public void state(PortState newState) {
        boolean wasUp = state == PortState.UP;
        state = newState;
        if (!wasUp && newState == PortState.UP) {
            cameUp.run();
        }
    }

    /** Takes so many frames only, from now on. */
    public void room(int frames) {
        room = frames;
    }

    /** Whether {@link #transmit} meets memory that is gone. */
    public void faulty(boolean isFaulty) {
        faulty = isFaulty;
    }

    /** Frames that were received and not released. */
    public int borrowed() {
        return borrowed;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public PortState state() {
        return state;
    }

    @Override
    public int mtu() {
        return mtu;
    }

    @Override
    public void attached(Reactor reactor, Runnable ready) {}

    @Override
    public void onUp(Runnable listener) {
        cameUp = listener;
    }

    @Override
    public void detached() {
        cameUp = () -> {};
    }

    @Override
    public int receive(FrameBatch batch) {
        int frames = 0;
        while (frames < batch.limit && !waiting.isEmpty()) {
            long offload = offloads.remove();
            Frames.append(batch, waiting.remove(), memory.address() + (long) frames * SLOT);
            batch.offload[batch.count - 1] = offload;
            batch.checksumOffset[batch.count - 1] = checksumOffsets.remove().shortValue();
            frames++;
        }
        borrowed = frames;
        return frames;
    }

    @Override
    public boolean appends() {
        return true;
    }

    @Override
    public int transmit(FrameBatch batch, int[] index, int count) {
        int taken = Math.min(room, count);
        for (int k = 0; k < taken; k++) {
            if (faulty) {
                throw new InternalError("a fault occurred in an unsafe memory access operation");
            }
            unflushed.add(Frames.of(batch, index[k]));
            batch.sentBytes += unflushed.getLast().length;
        }
        return taken;
    }

    @Override
    public void release(FrameBatch batch) {
        borrowed = 0;
    }

    @Override
    public void flush() {
        sent.addAll(unflushed);
        unflushed.clear();
    }

    @Override
    public boolean arm() {
        return waiting.isEmpty();
    }

    @Override
    public void disarm() {}
}
