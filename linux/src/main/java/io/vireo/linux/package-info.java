/**
 * System calls of Linux through {@code java.lang.foreign}: the only package of the project that is
 * granted native access.
 *
 * <h2>Purpose</h2>
 *
 * <p>What the JDK does not offer and an I/O daemon cannot do without: descriptors passed over Unix
 * sockets, shared memory by its address, eventfds, epoll, io_uring, TAP interfaces, pinned threads.
 * It holds no policy: a class is about as much as the manual page it is named after.
 *
 * <h2>Where to begin</h2>
 *
 * <ul>
 *   <li><b>Memory.</b> {@link ForeignMemory} reads and writes by absolute address and is the only
 *       accessor that survives a peer who truncates what it shared; read its comment before
 *       touching guest memory. {@link Memfd} and {@link Mapping} make and map such memory, {@link
 *       NativeBuffer} is memory of our own.
 *   <li><b>Descriptors.</b> {@link Fd} owns one and closes it once; {@link FileStat} says what it
 *       is; {@link OpenFiles} counts them all.
 *   <li><b>Waiting.</b> {@link Epoll} with {@link Eventfd}.
 *   <li><b>Talking.</b> {@link UnixSocket}, with descriptors and peer credentials; {@link
 *       TcpSocket}.
 *   <li><b>Storage.</b> {@link PathCalls} opens under restrictions (openat2), {@link FileCalls}
 *       transfers, {@link IoUring} transfers asynchronously, {@link BlockIoctls} asks block
 *       devices, {@link FileSystemStat} tells the free space.
 *   <li><b>Network.</b> {@link Tap}, {@link PacketSocket}, {@link XdpSocket} with {@link Bpf},
 *       {@link NetInterface}, {@link LinkSocket}, {@link NetworkNamespace}.
 *   <li><b>The process.</b> {@link Sched}, {@link Rlimit}, {@link Credentials}.
 * </ul>
 *
 * <h2>How it is made</h2>
 *
 * <p>{@code Syscall} is the one downcall handle: {@code syscall(2)} by number, six {@code long}
 * arguments, errno captured per thread. So structures and constants are those of the kernel's UAPI
 * headers, whatever the C library; they stand in {@code Layouts} and {@code Constants}, and those
 * that callers pass in the class whose methods take them. {@code LayoutsTest} compares all of them,
 * and the call numbers, with what the C compiler of the machine says. x86_64 and aarch64 are
 * supported.
 *
 * <h2>Errors</h2>
 *
 * <p>Calls of control paths throw {@link ErrnoException}, which names call, object and reason.
 * Calls of hot paths return {@code -errno}, as the kernel does, because would-block and short
 * counts are ordinary outcomes there; they neither throw nor allocate. Restarting after EINTR is
 * the caller's.
 *
 * <h2>Threads</h2>
 *
 * <p>Objects belong to one thread at a time unless their comment says otherwise. Everything that
 * can block pins its carrier on a virtual thread: use platform threads. Closing frees the number
 * for reuse at once, so an owner closes only what no other thread is using.
 */
@NullMarked
package io.vireo.linux;

import org.jspecify.annotations.NullMarked;
