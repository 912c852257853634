package io.vireo.linux;

import java.nio.file.Path;

/**
 * Moves the current platform thread into another network namespace until closed, setns(2).
 * Descriptors opened meanwhile, such as a TAP's, stay in that namespace. Needs CAP_SYS_ADMIN.
 *
 * <pre>{@code
 * try (var inside = NetworkNamespace.enter("guests")) {
 *     tap = Tap.open("tap0", false, 0);
 * }
 * }</pre>
 */
public final class NetworkNamespace implements AutoCloseable {
    private static final Path NAMED = Path.of("/run/netns");
    private static final Path CURRENT = Path.of("/proc/thread-self/ns/net");

    private final Thread thread = Thread.currentThread();
    private final Fd previous;

    private NetworkNamespace(Fd previous) {
        this.previous = previous;
    }

    /**
     * Which namespace it is, among all of the host: no other has the same for as long as something
     * holds this one.
     *
     * @param device number of the device of all namespaces
     * @param inode unique within it
     */
    public record Identity(long device, long inode) {
        /** Returns that of the calling thread's namespace. */
        public static Identity current() throws ErrnoException {
            try (Fd namespace = NetworkNamespace.current()) {
                return of(namespace);
            }
        }

        /**
         * Returns whether a name below /run/netns stands for another namespace than this by now.
         * Not if it stands for none: it was deleted, or is just being made.
         */
        public boolean isReplacedAt(String name) {
            try (Fd namespace = PathCalls.open(named(name), PathCalls.O_PATH, 0)) {
                Identity now = of(namespace);
                return now.device == device && now.inode != inode;
            } catch (ErrnoException e) {
                return false;
            }
        }

        private static Identity of(Fd namespace) throws ErrnoException {
            FileStat stat = FileStat.of(namespace);
            return new Identity(stat.device(), stat.inode());
        }
    }

    private static Path named(String name) {
        if (name.isEmpty() || name.indexOf('/') >= 0 || name.startsWith(".")) {
            throw new IllegalArgumentException("not a namespace's name: \"" + name + "\"");
        }
        return NAMED.resolve(name);
    }

    /** Enters a namespace made by {@code ip netns add}. ENOENT where there is none of that name. */
    public static NetworkNamespace enter(String name) throws ErrnoException {
        try (Fd target = PathCalls.open(named(name), PathCalls.O_RDONLY, 0)) {
            NetworkNamespace entered = new NetworkNamespace(current());
            entered.moveOrClose(
                    Syscall.call(Syscall.SETNS, target.number(), Constants.CLONE_NEWNET),
                    "setns",
                    name);
            return entered;
        }
    }

    /** Enters a new namespace that has no name and goes with its last thread and descriptor. */
    public static NetworkNamespace enterNew() throws ErrnoException {
        NetworkNamespace entered = new NetworkNamespace(current());
        entered.moveOrClose(
                Syscall.call(Syscall.UNSHARE, Constants.CLONE_NEWNET), "unshare", "CLONE_NEWNET");
        return entered;
    }

    /** Goes back; on the thread that entered. */
    @Override
    public void close() {
        if (Thread.currentThread() != thread) {
            throw new IllegalStateException("entered by " + thread);
        }
        if (previous.isOpen()) {
            long result = Syscall.call(Syscall.SETNS, previous.number(), Constants.CLONE_NEWNET);
            previous.close();
            if (result < 0) {
                // Going on would make sockets and interfaces in the wrong network.
                throw new IllegalStateException(
                        "cannot leave a network namespace: " + Errno.name((int) -result));
            }
        }
    }

    private static Fd current() throws ErrnoException {
        if (Thread.currentThread().isVirtual()) {
            throw new IllegalStateException(
                    "a virtual thread would leave its carrier in the namespace");
        }
        return PathCalls.open(CURRENT, PathCalls.O_RDONLY, 0);
    }

    private void moveOrClose(long result, String call, String context) throws ErrnoException {
        if (result < 0) {
            previous.close();
        }
        Syscall.check(result, call, context);
    }
}
