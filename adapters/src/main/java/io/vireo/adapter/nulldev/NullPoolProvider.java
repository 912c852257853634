package io.vireo.adapter.nulldev;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockPoolProvider;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;
import io.vireo.resource.spec.PoolSpec;

/** Pools of {@link NullBlockDevice}s. */
public final class NullPoolProvider implements BlockPoolProvider {
    @Override
    public PoolSpec.Type type() {
        return PoolSpec.Type.NULLIO;
    }

    @Override
    public BlockPool open(PoolSpec spec, boolean create) {
        return new Pool();
    }

    private static final class Pool implements BlockPool {
        @Override
        public String location() {
            return "nowhere";
        }

        @Override
        public void create(String volume, VolumeFormat format) {
            // Nothing is kept.
        }

        @Override
        public BlockVolume open(String volume, VolumeFormat format) {
            return new Volume(new NullBlockDevice(format));
        }

        @Override
        public void delete(String volume, boolean evenIfWritten) {
            // Nothing is kept.
        }

        @Override
        public PoolSpace space() {
            return new PoolSpace(0, 0);
        }

        @Override
        public void close() {
            // Nothing is held.
        }
    }

    private record Volume(NullBlockDevice nothing) implements BlockVolume {
        @Override
        public BlockDevice device() {
            return nothing;
        }

        @Override
        public void grow(long capacity) {
            nothing.grow(capacity);
        }

        @Override
        public String trouble() {
            return "";
        }

        @Override
        public void close() {
            // Nothing is held.
        }
    }
}
