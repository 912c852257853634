package io.vireo.server;

import io.vireo.adapter.directory.DirectoryPoolProvider;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.qos.DiskQosPolicy;
import io.vireo.fabric.storage.qos.DiskQosSettings;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.testkit.BlockDeviceContract;
import java.util.Optional;

/** The stage of block QoS behaves as the device behind it: image files, through the real pool. */
@SuppressWarnings("NullAway.Init") // make() runs before each test
abstract class QosStageTest extends BlockDeviceContract {
    private BlockPool pool;
    private BlockVolume volume;

    /** Requests per second of the pool; 0: it does not say. */
    abstract int poolIops();

    abstract DiskQosSettings settings();

    @Override
    protected BlockDevice make() {
        var spec = PoolBed.images(directory.resolve("pool"));
        pool = new DirectoryPoolProvider().open(spec, true);
        var format = new VolumeFormat(CAPACITY, BLOCK, 4096);
        pool.create("disk", format);
        volume = pool.open("disk", format);
        var qos = new PoolQos("pool", poolIops(), Optional.empty(), System::nanoTime);
        var policy = new DiskQosPolicy("p", settings());
        return qos.stage(qos.add("disk", Optional.of(policy)), volume.device());
    }

    @Override
    protected void unmake() {
        volume.close();
        pool.close();
    }
}
