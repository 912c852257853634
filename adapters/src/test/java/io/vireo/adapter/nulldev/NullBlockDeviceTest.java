package io.vireo.adapter.nulldev;

import io.vireo.block.BlockDevice;
import io.vireo.block.VolumeFormat;
import io.vireo.testkit.BlockDeviceContract;

class NullBlockDeviceTest extends BlockDeviceContract {
    @Override
    protected BlockDevice make() {
        return new NullBlockDevice(new VolumeFormat(CAPACITY, BLOCK, 4096));
    }

    @Override
    protected boolean keepsData() {
        return false;
    }
}
