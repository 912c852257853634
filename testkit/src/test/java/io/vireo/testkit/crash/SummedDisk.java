package io.vireo.testkit.crash;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.reactor.Reactor;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * The simplest two copies of a disk with a checksum for each block that are right: one request at a
 * time; before a block is written it is durable that it may not match, and that is taken back, with
 * its checksum, after a flush of the data. Behind the data each disk has 8 bytes for each block:
 * its checksum, and whether it may not match. It can be broken in the ways that checksums have been
 * broken.
 */
final class SummedDisk implements BlockDevice {
    /** What is wrong with it. */
    enum Bug {
        NONE,
        /** Data and checksum are written in no order. */
        SUM_WITHOUT_ORDER,
        /** The checksum of what was there before stays. */
        OLD_SUM_KEPT,
        /** What a crash has left in the middle of a write is called damaged. */
        TORN_IS_DAMAGED,
        /** Copies that differ are made equal without asking which is right. */
        SCRUB_TAKES_ANY_COPY
    }

    static final int BLOCK = 4096;
    private static final int ENTRY = 8;
    private static final int MOST = 16 * BLOCK;

    private final List<BlockDevice> disks;
    private final Bug bug;
    private final int blocks;
    private final BlockMeter meter = new BlockMeter();

    SummedDisk(List<BlockDevice> disks, Bug bug) {
        this.disks = disks;
        this.bug = bug;
        blocks = blocks(disks.getFirst().geometry().capacity());
    }

    private static int blocks(long capacity) {
        int all = (int) (capacity / BLOCK);
        return all - entryBytes(all) / BLOCK;
    }

    private static int entryBytes(int blocks) {
        return (blocks * ENTRY + BLOCK - 1) / BLOCK * BLOCK;
    }

    /** One bit of each block that has to match rots, on one of two disks. */
    static void rot(DiskImage first, DiskImage second) {
        int blocks = blocks(first.capacity());
        for (int i = 0; i < blocks; i++) {
            ByteBuffer one =
                    ByteBuffer.wrap(first.read((long) blocks * BLOCK + (long) i * ENTRY, ENTRY));
            ByteBuffer two =
                    ByteBuffer.wrap(second.read((long) blocks * BLOCK + (long) i * ENTRY, ENTRY));
            if (one.getInt(0) != 0 && one.getInt(4) == 0 && one.equals(two)) {
                (i % 2 == 0 ? first : second).flip((long) i * BLOCK + 100, 3);
            }
        }
    }

    @Override
    public BlockGeometry geometry() {
        return new BlockGeometry((long) blocks * BLOCK, 512, BLOCK, 512, 0, 0, 0);
    }

    @Override
    public Set<BlockOperation> operations() {
        return EnumSet.of(BlockOperation.READ, BlockOperation.WRITE, BlockOperation.FLUSH);
    }

    @Override
    public BlockCounters counters() {
        return meter.counters();
    }

    @Override
    public void addGeometryListener(Runnable changed) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void removeGeometryListener(Runnable changed) {
        throw new UnsupportedOperationException();
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        return new Channel(reactor);
    }

    private final class Channel implements BlockChannel {
        private final List<BlockChannel> channels = new ArrayList<>();
        private final List<NativeBuffer> copies = new ArrayList<>();
        private final NativeBuffer entries = NativeBuffer.allocate(entryBytes(blocks), BLOCK);
        private final int[] sums = new int[blocks];
        private final int[] durable = new int[blocks];
        private final boolean[] marked = new boolean[blocks];
        private final int ofZeroes = crc(new byte[BLOCK]);
        private final ArrayDeque<BlockRequest> waiting = new ArrayDeque<>();
        private boolean busy = true;
        private int inFlight;

        Channel(Reactor reactor) {
            for (BlockDevice disk : disks) {
                channels.add(disk.open(reactor));
                copies.add(NativeBuffer.allocate(MOST, BLOCK));
            }
            one(0, BlockOperation.READ, end(), entries, entryBytes(blocks), _ -> loaded());
        }

        private long end() {
            return (long) blocks * BLOCK;
        }

        private static int crc(byte[] bytes) {
            var crc = new CRC32C();
            crc.update(bytes);
            return (int) crc.getValue();
        }

        private void one(
                int disk,
                BlockOperation operation,
                long at,
                NativeBuffer memory,
                int length,
                Consumer<Boolean> then) {
            var request = new BlockRequest(0, r -> then.accept(r.status() == BlockStatus.OK));
            request.prepare(operation, at, operation == BlockOperation.FLUSH ? 0 : length);
            if (operation != BlockOperation.FLUSH) {
                request.data().add(memory.address(), length);
            }
            request.forceUnitAccess(operation == BlockOperation.WRITE && memory == entries);
            channels.get(disk).submit(request);
        }

        /** The same on all disks. */
        private void all(
                BlockOperation operation,
                long at,
                NativeBuffer memory,
                int length,
                Consumer<Boolean> then) {
            int[] left = {disks.size()};
            boolean[] good = {true};
            for (int i = 0; i < disks.size(); i++) {
                one(
                        i,
                        operation,
                        at,
                        memory,
                        length,
                        success -> {
                            good[0] &= success;
                            if (--left[0] == 0) {
                                then.accept(good[0]);
                            }
                        });
            }
        }

        // Opening.

        private void loaded() {
            byte[] bytes = new byte[blocks * ENTRY];
            ForeignMemory.copyToArray(entries.address(), bytes, 0, bytes.length);
            ByteBuffer found = ByteBuffer.wrap(bytes);
            for (int i = 0; i < blocks; i++) {
                sums[i] = found.getInt();
                durable[i] = sums[i];
                marked[i] = found.getInt() != 0;
            }
            recover(0);
        }

        /** Takes blocks as they are that may not match; looks at all others that are not empty. */
        private void recover(int from) {
            int block = from;
            while (block < blocks && !marked[block] && sums[block] == 0) {
                block++;
            }
            if (block == blocks) {
                busy = false;
                next();
                return;
            }
            int at = block;
            Consumer<Boolean> then = _ -> recover(at + 1);
            if (marked[at] && bug != Bug.TORN_IS_DAMAGED || bug == Bug.SCRUB_TAKES_ANY_COPY) {
                one(
                        0,
                        BlockOperation.READ,
                        (long) at * BLOCK,
                        copies.getFirst(),
                        BLOCK,
                        _ -> {
                            sums[at] = marked[at] ? sum(copies.getFirst(), 0) : sums[at];
                            write(at, at + 1, then);
                        });
            } else {
                read(at, at + 1, then);
            }
        }

        // Requests.

        private int sum(NativeBuffer memory, int offset) {
            byte[] bytes = new byte[BLOCK];
            ForeignMemory.copyToArray(memory.address() + offset, bytes, 0, BLOCK);
            return crc(bytes) ^ ofZeroes;
        }

        /** Reads blocks into the first buffer; a copy that does not match is repaired. */
        private void read(int from, int to, Consumer<Boolean> then) {
            long at = (long) from * BLOCK;
            int length = (to - from) * BLOCK;
            one(
                    0,
                    BlockOperation.READ,
                    at,
                    copies.get(0),
                    length,
                    _ -> {
                        if (matches(from, to, copies.get(0))) {
                            then.accept(true);
                            return;
                        }
                        one(
                                1,
                                BlockOperation.READ,
                                at,
                                copies.get(1),
                                length,
                                _ -> rescue(from, to, then));
                    });
        }

        private boolean matches(int from, int to, NativeBuffer memory) {
            for (int i = from; i < to; i++) {
                if (sum(memory, (i - from) * BLOCK) != sums[i]) {
                    return false;
                }
            }
            return true;
        }

        private void rescue(int from, int to, Consumer<Boolean> then) {
            for (int i = from; i < to; i++) {
                int offset = (i - from) * BLOCK;
                if (sum(copies.get(0), offset) != sums[i]) {
                    ForeignMemory.copy(
                            copies.get(1).address() + offset,
                            copies.get(0).address() + offset,
                            BLOCK);
                }
            }
            if (matches(from, to, copies.get(0))) {
                write(from, to, then);
            } else {
                then.accept(false);
            }
        }

        private void write(int from, int to, Consumer<Boolean> then) {
            all(
                    BlockOperation.WRITE,
                    (long) from * BLOCK,
                    copies.get(0),
                    (to - from) * BLOCK,
                    then);
        }

        private void writeEntries(Consumer<Boolean> then) {
            ByteBuffer bytes = ByteBuffer.allocate(entryBytes(blocks));
            for (int i = 0; i < blocks; i++) {
                bytes.putInt(durable[i]).putInt(marked[i] ? 1 : 0);
            }
            ForeignMemory.copyFromArray(bytes.array(), 0, entries.address(), bytes.capacity());
            all(BlockOperation.WRITE, end(), entries, bytes.capacity(), then);
        }

        private void change(BlockRequest request) {
            int from = (int) (request.offset() / BLOCK);
            int to = (int) ((request.offset() + request.length() + BLOCK - 1) / BLOCK);
            read(
                    from,
                    to,
                    readable -> {
                        boolean whole = ((request.offset() | request.length()) & BLOCK - 1) == 0;
                        if (!readable && !whole) {
                            end(request, false);
                            return;
                        }
                        ForeignMemory.copy(
                                request.data().address(0),
                                copies.getFirst().address() + request.offset() % BLOCK,
                                request.length());
                        boolean known = bug == Bug.SUM_WITHOUT_ORDER;
                        for (int i = from; i < to && !known; i++) {
                            marked[i] = true;
                        }
                        Consumer<Boolean> data =
                                _ -> write(from, to, good -> wrote(from, to, request, good));
                        if (known) {
                            data.accept(true);
                        } else {
                            writeEntries(data);
                        }
                    });
        }

        private void wrote(int from, int to, BlockRequest request, boolean good) {
            for (int i = from; i < to; i++) {
                sums[i] = sum(copies.getFirst(), (i - from) * BLOCK);
            }
            if (request.forceUnitAccess()) {
                settle(request);
            } else {
                end(request, good);
            }
        }

        /** Makes data durable, then its checksums. */
        private void settle(BlockRequest request) {
            all(
                    BlockOperation.FLUSH,
                    0,
                    entries,
                    0,
                    flushed -> {
                        for (int i = 0; i < blocks; i++) {
                            boolean stays = bug == Bug.OLD_SUM_KEPT && durable[i] != 0;
                            durable[i] = stays ? durable[i] : sums[i];
                            marked[i] = false;
                        }
                        writeEntries(good -> end(request, flushed && good));
                    });
        }

        private void next() {
            BlockRequest request = busy ? null : waiting.poll();
            if (request == null) {
                return;
            }
            busy = true;
            switch (request.operation()) {
                case READ -> {
                    int from = (int) (request.offset() / BLOCK);
                    int to = (int) ((request.offset() + request.length() + BLOCK - 1) / BLOCK);
                    read(
                            from,
                            to,
                            good -> {
                                ForeignMemory.copy(
                                        copies.getFirst().address() + request.offset() % BLOCK,
                                        request.data().address(0),
                                        request.length());
                                end(request, good);
                            });
                }
                case WRITE -> change(request);
                case FLUSH -> settle(request);
                case DISCARD, WRITE_ZEROES -> throw new UnsupportedOperationException();
            }
        }

        private void end(BlockRequest request, boolean good) {
            busy = false;
            inFlight--;
            request.complete(good ? BlockStatus.OK : BlockStatus.IO_ERROR);
            next();
        }

        @Override
        public int free() {
            return 64 - inFlight;
        }

        @Override
        public void submit(BlockRequest request) {
            inFlight++;
            waiting.add(request);
            next();
        }

        @Override
        public void cancel(int tag) {
            // It ends soon enough.
        }

        @Override
        public int poll() {
            return channels.stream().mapToInt(BlockChannel::poll).sum();
        }

        @Override
        public int inFlight() {
            return inFlight;
        }

        @Override
        public void onReady(Runnable wake) {
            // It is polled all the time.
        }

        @Override
        public boolean arm() {
            return inFlight == 0;
        }

        @Override
        public void disarm() {
            // Nothing is armed.
        }

        @Override
        public void close(Runnable onClosed) {
            onClosed.run();
        }
    }
}
