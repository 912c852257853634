package io.vireo.adapter.ram;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockPoolProvider;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.PoolSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Pools of {@link RamBlockDevice}s, of up to half of the host's memory. */
public final class RamPoolProvider implements BlockPoolProvider {
    @Override
    public PoolSpec.Type type() {
        return PoolSpec.Type.RAM;
    }

    @Override
    public BlockPool open(PoolSpec spec, boolean create) {
        return new Pool(hostMemory() / 2);
    }

    private static long hostMemory() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
                if (line.startsWith("MemTotal:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
                }
            }
            throw new IOException("it has no MemTotal");
        } catch (IOException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE, "/proc/meminfo cannot be read: " + e.getMessage(), e);
        }
    }

    /** A pool of a limited number of bytes, promised to volumes when they are opened. */
    static final class Pool implements BlockPool {
        private final long limit;
        private volatile long promised;

        Pool(long limit) {
            this.limit = limit;
        }

        @Override
        public String location() {
            return "the host's memory";
        }

        @Override
        public void create(String volume, VolumeFormat format) {
            // It begins anew with each daemon.
        }

        @Override
        public BlockVolume open(String volume, VolumeFormat format) {
            promise(format.capacity());
            var device = new RamBlockDevice(format, limit);
            return new Volume(device);
        }

        private synchronized void promise(long bytes) {
            if (promised + bytes > limit) {
                throw new ResourceException(
                        ErrorCode.EXHAUSTED,
                        "%d bytes of memory are left for vDisks, half of the host's at most: choose a smaller size"
                                .formatted(limit - promised));
            }
            promised += bytes;
        }

        @Override
        public void delete(String volume, boolean evenIfWritten) {
            // It ended when it was closed.
        }

        @Override
        public PoolSpace space() {
            return new PoolSpace(limit, limit - promised);
        }

        @Override
        public void close() {
            // All volumes are closed.
        }

        private final class Volume implements BlockVolume {
            private final RamBlockDevice memory;

            Volume(RamBlockDevice memory) {
                this.memory = memory;
            }

            @Override
            public BlockDevice device() {
                return memory;
            }

            @Override
            public void grow(long capacity) {
                promise(capacity - memory.geometry().capacity());
                memory.grow(capacity);
            }

            @Override
            public String trouble() {
                return "";
            }

            @Override
            public void close() {
                promise(-memory.geometry().capacity());
                memory.close();
            }
        }
    }
}
