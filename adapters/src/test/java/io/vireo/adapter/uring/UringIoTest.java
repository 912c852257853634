package io.vireo.adapter.uring;

import io.vireo.adapter.file.HostIoSource;
import io.vireo.adapter.file.ImageContract;

class UringIoTest extends ImageContract {
    @Override
    protected HostIoSource engines() {
        return UringIo::acquire;
    }
}
