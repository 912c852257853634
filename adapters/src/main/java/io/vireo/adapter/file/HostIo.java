package io.vireo.adapter.file;

/**
 * How one reactor's operations on files reach the kernel. Shared by all channels of the reactor;
 * all methods are called on it. Each operation that was started comes back once through {@link
 * HostOp#finished}, from {@link #poll} or on its own.
 */
public interface HostIo {
    /**
     * Takes an operation.
     *
     * @return false if there is no room now: try again after {@link #poll}
     */
    boolean start(HostOp op);

    /**
     * Hands what was started to the kernel and takes what it has finished.
     *
     * @return how many operations that were
     */
    int poll();

    /** Returns false if something can be polled now; else the channels are woken when it can. */
    boolean arm();

    /** Tries to cancel an operation that was started. */
    void cancel(HostOp op);

    /** The buffers for what is misaligned. */
    BouncePool bounces();

    /** Gives back one use of it; the last one frees everything. Nothing is in flight then. */
    void release();
}
