package io.vireo.linux;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Touches mapped memory whose file has been truncated, in every way that {@link ForeignMemory}
 * offers. Runs in a virtual machine of its own, which a mistake would kill. Prints a line per way
 * and "alive" at the end; or, when asked when errors come, how many a {@code try} around the access
 * caught, and how many came after it.
 */
public final class SigbusProbe {
    private static final int WARM_UP = 30_000;
    private static final int PAGES = 4;
    private static final int LOOP = 1024;

    /**
     * How often the race takes the memory away at least, and how often that must have been noticed.
     */
    private static final int TRUNCATIONS = 5_000;

    private static final int RACES_WON = 200;

    @SuppressWarnings("NonAtomicVolatileUpdate") // Its value is of no interest.
    private static volatile long sink;

    private static volatile boolean running = true;

    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread counts.
    private static volatile int errors;

    private interface Access {
        void at(long address);
    }

    private SigbusProbe() {}

    public static void main(String[] arguments) throws ErrnoException, InterruptedException {
        switch (arguments[0]) {
            case "race" -> race();
            case "late" -> when(SigbusProbe::store);
            case "settled" -> when(SigbusProbe::storeSettled);
            default -> touch(arguments[0].equals("warm"));
        }
        System.out.println("alive");
    }

    /**
     * Takes memory away while another thread goes on using it, and gives it back, again and again.
     */
    private static void race() throws ErrnoException, InterruptedException {
        long length = PAGES * Mapping.pageSize();
        try (Fd fd = Memfd.create("probe", length, 0);
                Mapping mapping =
                        Mapping.map(fd, 0, length, Mapping.PROT_READ | Mapping.PROT_WRITE, true)) {
            Thread user = Thread.ofPlatform().start(() -> use(mapping.address()));
            for (int i = 0; i < TRUNCATIONS || errors < RACES_WON; i++) {
                FileCalls.ftruncate(fd, i % 2 == 0 ? 0 : length / 2);
                Thread.onSpinWait();
                FileCalls.ftruncate(fd, length);
            }
            running = false;
            user.join();
        }
    }

    private static void use(long address) {
        Access[] all = accesses().values().toArray(new Access[0]);
        int next = 0;
        while (running) {
            try {
                while (running) {
                    next++;
                    all[next % all.length].at(address + 8 * (next & 1023));
                    // Garbage, so that collections join in.
                    sink += Integer.toString(next).length();
                }
            } catch (InternalError expected) {
                errors++;
            }
        }
    }

    private interface Guarded {
        /** Accesses memory; 1 if its {@code try} caught the error. */
        int at(long address);
    }

    /** Says when the errors of accesses come that were compiled together with their {@code try}. */
    private static void when(Guarded access) throws ErrnoException {
        long length = PAGES * Mapping.pageSize();
        try (Fd fd = Memfd.create("probe", length, 0);
                Mapping mapping =
                        Mapping.map(fd, 0, length, Mapping.PROT_READ | Mapping.PROT_WRITE, true)) {
            for (int i = 0; i < WARM_UP; i++) {
                sink += access.at(mapping.address());
            }
            FileCalls.ftruncate(fd, 0);
            int caught = 0;
            int late = 0;
            for (int i = 0; i < LOOP; i++) {
                try {
                    caught += access.at(mapping.address());
                } catch (InternalError e) {
                    late++;
                }
            }
            System.out.println("caught " + caught + " late " + late);
        }
    }

    private static int store(long address) {
        try {
            ForeignMemory.putInt(address, 1);
            return 0;
        } catch (InternalError expected) {
            return 1;
        }
    }

    private static int storeSettled(long address) {
        try {
            ForeignMemory.putInt(address, 1);
            ForeignMemory.settle();
            return 0;
        } catch (InternalError expected) {
            return 1;
        }
    }

    private static void touch(boolean warm) throws ErrnoException {
        long length = PAGES * Mapping.pageSize();
        for (Map.Entry<String, Access> entry : accesses().entrySet()) {
            Access access = entry.getValue();
            try (Fd fd = Memfd.create("probe", length, 0);
                    Mapping mapping =
                            Mapping.map(
                                    fd, 0, length, Mapping.PROT_READ | Mapping.PROT_WRITE, true)) {
                for (int i = 0; warm && i < WARM_UP; i++) {
                    access.at(mapping.address() + 8L * (i & 255));
                }
                FileCalls.ftruncate(fd, 0);
                System.out.println(
                        entry.getKey()
                                + " "
                                + (throwsInternalError(access, mapping.address())
                                        ? "thrown"
                                        : "MISSED"));
            }
        }
    }

    private static boolean throwsInternalError(Access access, long address) {
        try {
            access.at(address);
            // The error may be delivered later, at a safepoint poll: pass some.
            for (int i = 0; i < 1_000; i++) {
                sink += System.nanoTime();
                Thread.yield();
            }
            return false;
        } catch (InternalError expected) {
            return true;
        }
    }

    private static Map<String, Access> accesses() {
        Map<String, Access> all = new LinkedHashMap<>();
        byte[] array = new byte[2048];
        long own = NativeBuffer.allocate(2048, 8).address();
        all.put("getByte", a -> sink = ForeignMemory.getByte(a));
        all.put("getShort", a -> sink = ForeignMemory.getShort(a));
        all.put("getInt", a -> sink = ForeignMemory.getInt(a));
        all.put("getLong", a -> sink = ForeignMemory.getLong(a));
        all.put("putByte", a -> ForeignMemory.putByte(a, (byte) 1));
        all.put("putShort", a -> ForeignMemory.putShort(a, (short) 1));
        all.put("putInt", a -> ForeignMemory.putInt(a, 1));
        all.put("putLong", a -> ForeignMemory.putLong(a, 1));
        all.put("getShortOpaque", a -> sink = ForeignMemory.getShortOpaque(a));
        all.put("getIntOpaque", a -> sink = ForeignMemory.getIntOpaque(a));
        all.put("getLongOpaque", a -> sink = ForeignMemory.getLongOpaque(a));
        all.put("getShortAcquire", a -> sink = ForeignMemory.getShortAcquire(a));
        all.put("getIntAcquire", a -> sink = ForeignMemory.getIntAcquire(a));
        all.put("getLongAcquire", a -> sink = ForeignMemory.getLongAcquire(a));
        all.put("putShortRelease", a -> ForeignMemory.putShortRelease(a, (short) 1));
        all.put("putIntRelease", a -> ForeignMemory.putIntRelease(a, 1));
        all.put("putLongRelease", a -> ForeignMemory.putLongRelease(a, 1));
        all.put("copy64 from", a -> ForeignMemory.copy64(a, own));
        all.put("copy64 to", a -> ForeignMemory.copy64(own, a));
        for (int length : new int[] {1, 7, 12, 31, 63, 64, 1518}) {
            all.put("copy from, " + length, a -> ForeignMemory.copy(a, own, length));
            all.put("copy to, " + length, a -> ForeignMemory.copy(own, a, length));
            all.put("copyToArray, " + length, a -> ForeignMemory.copyToArray(a, array, 0, length));
            all.put(
                    "copyFromArray, " + length,
                    a -> ForeignMemory.copyFromArray(array, 0, a, length));
            all.put("fill, " + length, a -> ForeignMemory.fill(a, length, (byte) 1));
        }
        all.put("loop of getByte", a -> sink = sumOfBytes(a));
        all.put("loop of getShort", a -> sink = sumOfShorts(a));
        all.put("loop of getInt", a -> sink = sumOfInts(a));
        all.put("loop of getLong and putLong from", a -> copyLongs(a, own));
        all.put("loop of getLong and putLong to", a -> copyLongs(own, a));
        all.put("loop of getByte and putByte from", a -> copyBytes(a, own));
        all.put("loop of putInt", SigbusProbe::storeInts);
        return all;
    }

    // Loops that the compiler turns into vector instructions, all of which its handler must know.

    private static long sumOfBytes(long address) {
        int sum = 0;
        for (int i = 0; i < LOOP; i++) {
            sum += ForeignMemory.getByte(address + i);
        }
        return sum;
    }

    private static long sumOfShorts(long address) {
        int sum = 0;
        for (int i = 0; i < LOOP / 2; i++) {
            sum += ForeignMemory.getShort(address + 2L * i);
        }
        return sum;
    }

    private static long sumOfInts(long address) {
        int sum = 0;
        for (int i = 0; i < LOOP / 4; i++) {
            sum ^= ForeignMemory.getInt(address + 4L * i);
        }
        return sum;
    }

    private static void copyLongs(long source, long destination) {
        for (int i = 0; i < LOOP / 8; i++) {
            ForeignMemory.putLong(destination + 8L * i, ForeignMemory.getLong(source + 8L * i));
        }
    }

    private static void copyBytes(long source, long destination) {
        for (int i = 0; i < LOOP; i++) {
            ForeignMemory.putByte(destination + i, ForeignMemory.getByte(source + i));
        }
    }

    private static void storeInts(long address) {
        for (int i = 0; i < LOOP / 4; i++) {
            ForeignMemory.putInt(address + 4L * i, i);
        }
    }
}
