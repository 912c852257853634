package io.vireo.fabric.storage.move;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.pool.StoragePools;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.BlockDeviceContract;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A volume of a pool is a block device like any other, on whatever reactor its front end works. */
class HopDeviceTest extends BlockDeviceContract {
    private @Nullable Reactor home;
    private @Nullable StoragePools pool;

    @Override
    protected BlockDevice make() {
        home = Reactor.start(new ReactorConfig("home", -1, PollMode.ADAPTIVE));
        pool = new StoragePools(home, 16 << 20);
        return HopDevice.over(pool.volume("volume", CAPACITY));
    }

    @Override
    protected boolean kernelCopies() {
        return false;
    }

    @Override
    protected void unmake() {
        Objects.requireNonNull(pool).close();
        Objects.requireNonNull(home).close();
    }
}
